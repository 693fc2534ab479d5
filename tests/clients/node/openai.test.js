// OpenAI's Node SDK against a running server. `scripts/test` starts the server and the stand-in Gemini.

import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.CLIENT_KEY, maxRetries: 0 });
const GEMINI_3 = "gemini-3.8-flash";
const user = (content) => [{ role: "user", content }];
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = ["weather", "clock"].map((name) => ({ type: "function", function: { name, parameters } }));

test("chat", async () => {
  const answer = await client.chat.completions.create({ model: "gpt-4o", messages: user("Grüße, 世界") });
  assert.equal(answer.choices[0].message.content, "You said: Grüße, 世界");
  assert.equal(answer.choices[0].finish_reason, "stop");
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
});

test("stream", async () => {
  const stream = await client.chat.completions.create({
    model: "gpt-4o", messages: user("[[sim:long chunks=40]]"), stream: true, stream_options: { include_usage: true },
  });
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
  assert.equal(chunks[0].choices[0].delta.role, "assistant");
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.equal(chunks.at(-2).choices[0].finish_reason, "stop");
  const text = chunks.slice(0, -1).map((chunk) => chunk.choices[0].delta.content ?? "").join("");
  const whole = await client.chat.completions.create({ model: "gpt-4o", messages: user("[[sim:long chunks=40]]") });
  assert.equal(text, whole.choices[0].message.content);
});

for (const model of [GEMINI_3, "gemini-2.5-flash"]) {
  for (const scenario of ["tool", "parallel calls=2", "tool steps=3"]) {
    for (const streamed of [false, true]) {
      for (const keepExtra of [false, true]) {
        test(`tool loop: ${model}, ${scenario}, streamed ${streamed}, extra ${keepExtra}`, async () => {
          const messages = user(`[[sim:${scenario}]] go`);
          for (let turn = 0; turn < 5; turn++) {
            const message = streamed
              ? await client.chat.completions.stream({ model, messages, tools }).finalMessage()
              : (await client.chat.completions.create({ model, messages, tools })).choices[0].message;
            if (!message.tool_calls?.length) {
              assert.match(message.content, /weather=\{"degrees":21\}/);
              return;
            }
            const calls = message.tool_calls.map(({ id, function: { name, arguments: text }, extra_content }) => ({
              id, type: "function", function: { name, arguments: text }, ...(keepExtra && extra_content ? { extra_content } : {}),
            }));
            messages.push({ role: "assistant", content: message.content, tool_calls: calls });
            for (const call of calls) {
              assert.deepEqual(JSON.parse(call.function.arguments), { city: "text" });
              messages.push({ role: "tool", tool_call_id: call.id, content: '{"degrees":21}' });
            }
          }
          assert.fail("the loop does not end");
        });
      }
    }
  }
}

test("runTools calls functions by itself", async () => {
  const seen = [];
  const runnable = tools.map((tool) => ({ ...tool, function: { ...tool.function, parse: JSON.parse, function: (args) => { seen.push(args); return { degrees: 21 }; } } }));
  const runner = client.chat.completions.runTools({ model: GEMINI_3, messages: user("[[sim:parallel calls=2]] go"), tools: runnable });
  assert.match(await runner.finalContent(), /weather=/);
  assert.deepEqual(seen, [{ city: "text" }, { city: "text" }]);
});

test("structured output", async () => {
  const schema = { type: "object", properties: { name: { type: "string" }, age: { type: "integer" } }, required: ["name", "age"], additionalProperties: false };
  const response_format = { type: "json_schema", json_schema: { name: "person", strict: true, schema } };
  const answer = await client.chat.completions.create({ model: "gpt-4o", messages: user("x"), response_format });
  assert.deepEqual(JSON.parse(answer.choices[0].message.content), { name: "text", age: 7 });
});

test("errors", async () => {
  const raised = (request) => client.chat.completions.create({ model: "gpt-4o", messages: user("x"), ...request }).then(() => assert.fail("no error"), (error) => error);
  const stranger = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: "wrong-key-0000000000000000", maxRetries: 0 });
  await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
  assert.ok((await raised({ model: "gemini-0-nothing" })) instanceof OpenAI.NotFoundError);
  const bad = await raised({ messages: [{ role: "king", content: "x" }] });
  assert.ok(bad instanceof OpenAI.BadRequestError);
  assert.equal(bad.param, "messages[0].role");
  const limited = await raised({ model: "gemini-2.5-flash-lite", messages: user("[[sim:429_minute retry=20]]") });
  assert.ok(limited instanceof OpenAI.RateLimitError);
  assert.ok(Number(limited.headers.get("retry-after")) >= 18);
});

for (const scenario of ["mid_error", "mid_error_bare", "eof", "truncated", "reset"]) {
  test(`a stream that breaks raises: ${scenario}`, async () => {
    let seen = "";
    await assert.rejects(async () => {
      const stream = await client.chat.completions.create({ model: "gpt-4o", messages: user(`[[sim:${scenario}]] a text in more than one piece`), stream: true });
      for await (const chunk of stream) {
        assert.equal(chunk.choices[0].finish_reason, null);
        seen += chunk.choices[0].delta.content ?? "";
      }
    }, OpenAI.APIError);
    assert.match(seen, /^You said/);
  });
}

test("models", async () => {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  assert.ok(ids.includes("gpt-4o") && ids.includes("gemini-2.5-flash"));
  assert.equal((await client.models.retrieve("gpt-4o")).id, "gpt-4o");
});

test("leaving a stream", async () => {
  const stream = await client.chat.completions.create({ model: "gpt-4o", messages: user("[[sim:long chunks=1000 gap_ms=20]]"), stream: true });
  for await (const _ of stream) break;
});
