// Runs Claude Code, Codex, Cline, Continue and aider as their users do, against a running server. `scripts/test` starts the server and the stand-in
// Gemini that is its upstream. Each run has an empty home directory and is configured with nothing but this server.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";

const { AIDER, BASE_URL, CLIENT_KEY, PATH } = process.env;
const model = "gemini-3.8-flash";

async function newHome() {
  const home = await mkdtemp(join(tmpdir(), "cli-"));
  await mkdir(join(home, "work"));
  return home;
}

async function run(name, options, prepare) {
  const home = await newHome();
  return start(resolve("node_modules/.bin", name), options, home, await prepare(home));
}

async function start(program, options, home, more = {}) {
  const env = { PATH, HOME: home, ...more };
  const child = spawn(program, options, { cwd: join(home, "work"), env, stdio: ["ignore", "pipe", "pipe"] });
  const said = { out: "", err: "" };
  child.stdout.on("data", (data) => { said.out += data; });
  child.stderr.on("data", (data) => { said.err += data; });
  const code = await new Promise((done) => child.on("close", done));
  assert.equal(code, 0, said.err + said.out);
  return said.out;
}

const claude = (prompt, ...options) =>
  run("claude", ["-p", prompt, ...options], async () => ({
    ANTHROPIC_BASE_URL: BASE_URL.replace(/\/v1$/, ""),
    ANTHROPIC_AUTH_TOKEN: CLIENT_KEY,
    ANTHROPIC_MODEL: model,
    ANTHROPIC_SMALL_FAST_MODEL: model,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  }));

const codex = (prompt) =>
  run("codex", ["exec", "--skip-git-repo-check", prompt], async (home) => {
    const config = `model = "${model}"
model_provider = "adapter"
[model_providers.adapter]
name = "gemini-adapter"
base_url = "${BASE_URL}"
env_key = "ADAPTER_KEY"
wire_api = "responses"
`;
    await mkdir(join(home, ".codex"));
    await writeFile(join(home, ".codex", "config.toml"), config);
    return { ADAPTER_KEY: CLIENT_KEY };
  });

const continued = (prompt, ...options) =>
  run("cn", ["-p", "--config", "../config.yaml", ...options, prompt], async (home) => {
    const config = `name: gemini-adapter
version: 1.0.0
schema: v1
models:
  - name: Gemini
    provider: openai
    model: ${model}
    apiBase: ${BASE_URL}
    apiKey: ${CLIENT_KEY}
    roles: [chat, edit, apply]
    capabilities: [tool_use]
`;
    await writeFile(join(home, "config.yaml"), config);
    return { CONTINUE_TELEMETRY_ENABLED: "0" };
  });

async function cline(prompt) {
  const home = await newHome();
  const call = (...options) => start(resolve("node_modules/.bin/cline"), options, home);
  await call("auth", "openai-compatible", "--apikey", CLIENT_KEY, "--baseurl", BASE_URL, "--modelid", model);
  try {
    return await call(prompt);
  } finally {
    // Cline leaves a daemon running.
    await call("hub", "stop");
  }
}

async function aider(prompt) {
  const quiet = ["--no-git", "--yes-always", "--no-check-update", "--no-show-model-warnings", "--no-analytics", "--no-pretty"];
  const env = { OPENAI_API_BASE: BASE_URL, OPENAI_API_KEY: CLIENT_KEY };
  return start(AIDER, ["--model", `openai/${model}`, "--message", prompt, ...quiet], await newHome(), env);
}

test("Claude Code answers", async () => {
  assert.match(await claude("say hello"), /You said: /);
});

test("Claude Code runs tools over three turns", async () => {
  const said = await claude("[[sim:tool steps=3]] go", "--tools", "Glob,Read");
  assert.equal(said.match(/Glob=/g).length, 3, said);
});

test("Codex answers", async () => {
  assert.match(await codex("say hello"), /You said: say hello/);
});

test("Codex runs tools over three turns", async () => {
  const said = await codex("[[sim:tool steps=3]] go");
  assert.match(said, /Results: (exec_command=.*){3}/s);
});

test("Continue answers", async () => {
  assert.match(await continued("say hello"), /You said: say hello/);
});

test("Continue runs tools over three turns", async () => {
  const said = await continued("[[sim:tool steps=3]] go", "--auto");
  assert.match(said, /Results: (Read=.*){3}/s);
});

test("Cline answers", async () => {
  assert.match(await cline("say hello"), /You said: say hello/);
});

test("Cline runs tools over three turns", async () => {
  assert.match(await cline("[[sim:tool steps=3]] go"), /Results: (read_files=.*){3}/s);
});

test("aider answers", async () => {
  assert.match(await aider("say hello"), /You said: say hello/);
});
