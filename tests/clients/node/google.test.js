// Google's Node SDK against a running server: the native API, with a client key in place of a Google key.

import assert from "node:assert/strict";
import { test } from "node:test";
import { GoogleGenAI } from "@google/genai";

const server = process.env.BASE_URL.replace(/\/v1$/, "");
const model = "gemini-3.8-flash";

for (const apiVersion of ["v1", "v1beta"]) {
  const google = new GoogleGenAI({ apiKey: process.env.CLIENT_KEY, httpOptions: { baseUrl: server, apiVersion } });

  test(`whole and streamed (${apiVersion})`, async () => {
    const whole = await google.models.generateContent({ model, contents: "Grüße, 世界, in several pieces" });
    assert.equal(whole.text, "You said: Grüße, 世界, in several pieces");
    const stream = await google.models.generateContentStream({ model, contents: "Grüße, 世界, in several pieces" });
    let text = "";
    for await (const piece of stream) text += piece.text ?? "";
    assert.equal(text, whole.text);
  });

  test(`counting, vectors, models (${apiVersion})`, async () => {
    assert.ok((await google.models.countTokens({ model, contents: "hello" })).totalTokens > 0);
    const vectors = await google.models.embedContent({
      model: "gemini-embedding-001", contents: ["a", "b"], config: { outputDimensionality: 8 },
    });
    assert.deepEqual(vectors.embeddings.map((each) => each.values.length), [8, 8]);
    const names = [];
    for await (const each of await google.models.list({ config: { pageSize: 7 } })) names.push(each.name);
    assert.ok(names.length > 7 && names.includes(`models/${model}`));
  });

  test(`files (${apiVersion})`, async () => {
    const note = new Blob(["a note"], { type: "text/plain" });
    const file = await google.files.upload({ file: note, config: { displayName: "note" } });
    assert.equal(file.state, "ACTIVE");
    const contents = [{ role: "user", parts: [
      { text: "what is it?" }, { fileData: { fileUri: file.uri, mimeType: file.mimeType } },
    ] }];
    assert.equal((await google.models.generateContent({ model, contents })).text, "You said: what is it?");
    await google.files.delete({ name: file.name });
    await assert.rejects(google.files.get({ name: file.name }), /404|NOT_FOUND/);
  });

  test(`errors (${apiVersion})`, async () => {
    await assert.rejects(google.models.generateContent({ model: "gemini-nothing", contents: "hi" }), { status: 404 });
  });
}
