// Anthropic's Node SDK against a running server. `scripts/test` starts the server and the stand-in Gemini.

import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { betaTool } from "@anthropic-ai/sdk/helpers/beta/json-schema";

const baseURL = process.env.BASE_URL.replace(/\/v1$/, "");
const client = new Anthropic({ baseURL, apiKey: process.env.CLIENT_KEY, maxRetries: 0 });
const model = "gemini-3.8-flash";
const user = (content) => [{ role: "user", content }];
const input_schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = ["weather", "clock"].map((name) => ({ name, input_schema }));

test("message", async () => {
  const answer = await client.messages.create({ model, max_tokens: 100, messages: user("Grüße, 世界") });
  assert.equal(answer.content[0].text, "You said: Grüße, 世界");
  assert.equal(answer.stop_reason, "end_turn");
});

test("stream", async () => {
  const stream = client.messages.stream({ model, max_tokens: 1000, messages: user("[[sim:long chunks=40]]") });
  let text = "";
  stream.on("text", (more) => { text += more; });
  const final = await stream.finalMessage();
  assert.equal(final.content[0].text, text);
});

for (const thinking of [{ type: "disabled" }, { type: "enabled", budget_tokens: 2000 }]) {
  for (const scenario of ["tool", "parallel calls=2", "tool steps=3"]) {
    test(`tool loop: thinking ${thinking.type}, ${scenario}`, async () => {
      const messages = user(`[[sim:${scenario}]] go`);
      for (let turn = 0; turn < 5; turn++) {
        const message = await client.messages.stream({ model, max_tokens: 4000, messages, tools, thinking }).finalMessage();
        const calls = message.content.filter((block) => block.type === "tool_use");
        if (calls.length === 0) {
          assert.match(message.content.at(-1).text, /weather=\{"degrees":21\}/);
          return;
        }
        messages.push({ role: "assistant", content: message.content });
        const results = calls.map((call) => ({ type: "tool_result", tool_use_id: call.id, content: '{"degrees":21}' }));
        messages.push({ role: "user", content: results });
      }
      assert.fail("the loop does not end");
    });
  }
}

test("tokens are counted", async () => {
  const counted = await client.messages.countTokens({ model, messages: user("hello") });
  assert.ok(counted.input_tokens > 0);
});

test("errors", async () => {
  await assert.rejects(client.messages.create({ model: "gemini-0-nothing", max_tokens: 1, messages: user("x") }), Anthropic.NotFoundError);
  await assert.rejects(client.messages.stream({ model, max_tokens: 100, messages: user("[[sim:mid_error]] in several pieces") }).finalMessage());
});

test("tool runner", async () => {
  const inputSchema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
  const weather = betaTool({ name: "weather", description: "The weather.", inputSchema, run: () => JSON.stringify({ degrees: 21 }) });
  for (const stream of [false, true]) {
    const messages = [{ role: "user", content: "[[sim:tool steps=3]] go" }];
    const runner = client.beta.messages.toolRunner({ model, max_tokens: 1000, messages, tools: [weather], stream });
    assert.match((await runner.runUntilDone()).content.at(-1).text, /(weather=.*){3}/);
  }
});
