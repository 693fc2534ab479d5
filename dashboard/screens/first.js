// What is shown before anybody has called: how to.

import { h, panel, write } from '../dom.js';
import { t } from '../words.js';

const base = () => new URL('..', document.baseURI).href.replace(/\/$/, '');

const SNIPPETS = {
  curl: () => `curl ${base()}/v1/chat/completions \\
  -H 'Authorization: Bearer YOUR_CLIENT_KEY' -H 'Content-Type: application/json' \\
  -d '{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello!"}]}'`,
  Python: () => `from openai import OpenAI

client = OpenAI(base_url="${base()}/v1", api_key="YOUR_CLIENT_KEY")
answer = client.chat.completions.create(
    model="gpt-4o", messages=[{"role": "user", "content": "Hello!"}]
)
print(answer.choices[0].message.content)`,
  'Node.js': () => `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${base()}/v1", apiKey: "YOUR_CLIENT_KEY" });
const answer = await client.chat.completions.create({
  model: "gpt-4o", messages: [{ role: "user", content: "Hello!" }],
});
console.log(answer.choices[0].message.content);`,
  'Claude Code': () => `export ANTHROPIC_BASE_URL=${base()}
export ANTHROPIC_AUTH_TOKEN=YOUR_CLIENT_KEY
claude`,
  Codex: () => `# ~/.codex/config.toml
model = "gemini-pro-latest"
model_provider = "gemini-adapter"

[model_providers.gemini-adapter]
name = "gemini-adapter"
base_url = "${base()}/v1"
env_key = "GEMINI_ADAPTER_KEY"
wire_api = "responses"`,
  'google-genai': () => `from google import genai

client = genai.Client(api_key="YOUR_CLIENT_KEY", http_options={"base_url": "${base()}"})
print(client.models.generate_content(model="gemini-flash-latest", contents="Hello!").text)`,
};

export function first() {
  const code = h('pre', { class: 'code wrap', tabindex: '0' });
  const buttons = Object.keys(SNIPPETS).map((name) => h('button', { class: 'button', type: 'button', onclick: () => show(name) }, name));
  function show(name) {
    write(code, SNIPPETS[name]());
    for (const button of buttons) button.setAttribute('aria-pressed', button.textContent === name);
  }
  show('curl');
  return panel(t('first.title'), {}, h('div', { class: 'body gap' },
    h('p', { class: 'muted' }, t('first.about')),
    h('div', { class: 'segments', role: 'group', 'aria-label': t('first.clients') }, buttons), code, h('p', { class: 'muted' }, t('first.more'), ' ', h('code', {}, 'gemini-adapter client-config'))));
}
