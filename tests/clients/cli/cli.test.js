// Claude Code and Codex, as their users run them, against a running server. `scripts/test` starts the server and the stand-in
// Gemini behind it. Their homes are empty, and all they are told of is this server.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";

const { BASE_URL, CLIENT_KEY, PATH } = process.env;
const model = "gemini-3.8-flash";

async function run(name, options, prepare) {
  const home = await mkdtemp(join(tmpdir(), "cli-"));
  const work = join(home, "work");
  await mkdir(work);
  const env = { PATH, HOME: home, ...(await prepare(home)) };
  const child = spawn(resolve("node_modules/.bin", name), options, { cwd: work, env, stdio: ["ignore", "pipe", "pipe"] });
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
