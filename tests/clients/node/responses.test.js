// OpenAI's Responses API with its Node SDK. `scripts/test` starts the server and the stand-in Gemini.

import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.CLIENT_KEY, maxRetries: 0 });
const model = "gemini-3.8-flash";
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
const tools = ["weather", "clock"].map((name) => ({ type: "function", name, parameters, strict: true }));

test("create", async () => {
  const answer = await client.responses.create({ model, input: "Grüße, 世界" });
  assert.equal(answer.output_text, "You said: Grüße, 世界");
  assert.equal((await client.responses.retrieve(answer.id)).output_text, "You said: Grüße, 世界");
});

test("stream", async () => {
  const numbers = [];
  let text = "";
  let last;
  for await (const event of await client.responses.create({ model, input: "[[sim:long chunks=40]]", stream: true })) {
    numbers.push(event.sequence_number);
    if (event.type === "response.output_text.delta") text += event.delta;
    last = event;
  }
  assert.deepEqual(numbers, numbers.map((_, index) => index));
  assert.equal(last.type, "response.completed");
  assert.equal(last.response.output[0].content[0].text, text);
});

for (const store of [false, true]) {
  for (const scenario of ["tool", "parallel calls=2", "tool steps=3"]) {
    test(`tool loop: store ${store}, ${scenario}`, async () => {
      let input = [{ role: "user", content: `[[sim:${scenario}]] go` }];
      let previous_response_id;
      for (let turn = 0; turn < 5; turn++) {
        const include = store ? [] : ["reasoning.encrypted_content"];
        const stream = client.responses.stream({ model, input, tools, store, include, previous_response_id });
        const answer = await stream.finalResponse();
        const calls = answer.output.filter((item) => item.type === "function_call");
        if (calls.length === 0) {
          assert.match(answer.output_text, /weather=\{"degrees":21\}/);
          return;
        }
        const results = calls.map((call) => ({ type: "function_call_output", call_id: call.call_id, output: '{"degrees":21}' }));
        if (store) {
          previous_response_id = answer.id;
          input = results;
        } else {
          const output = answer.output.map(({ parsed_arguments, ...item }) => item);
          input = [...input, ...output, ...results];
        }
      }
      assert.fail("the loop does not end");
    });
  }
}
