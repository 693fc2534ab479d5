// A request on the left, what goes to Gemini on the right, and what became of each field. Nobody is called.

import { h, panel, replace, write } from '../dom.js';
import { ask } from '../feed.js';
import { t } from '../words.js';

const SAMPLES = {
  '/v1/chat/completions': { model: 'gpt-4o', temperature: 0.4, max_tokens: 800, reasoning_effort: 'low', seed: 7, logit_bias: { 50256: -100 },
    messages: [{ role: 'system', content: 'You answer in one sentence.' }, { role: 'user', content: [{ type: 'text', text: 'What is the weather in Oslo?' }] }],
    tools: [{ type: 'function', function: { name: 'weather', description: 'The weather of a place.', parameters: { type: 'object', properties: { place: { type: 'string', minLength: 2 } }, required: ['place'], additionalProperties: false } } }] },
  '/v1/responses': { model: 'gpt-4o', input: 'Say hello.', reasoning: { effort: 'low' }, store: false },
  '/v1/messages': { model: 'gpt-4o', max_tokens: 1000, system: 'Be brief.', messages: [{ role: 'user', content: 'Say hello.' }] },
  '/v1/embeddings': { model: 'text-embedding-3-small', input: ['one', 'two'] },
};
const VERDICTS = { kept: ['✓', 'good'], renamed: ['→', 'info'], clamped: ['≈', 'warn'], emulated: ['~', 'warn'], dropped: ['·', ''], refused: ['✕', 'bad'] };

/** JSON with its parts in colours, as elements. */
function coloured(value) {
  const parts = JSON.stringify(value, null, 2).split(/("(?:\\.|[^"\\])*"(?:\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g);
  return parts.map((part) => {
    if (/^".*:$/s.test(part)) return h('span', { class: 'info' }, part);
    if (part.startsWith('"')) return h('span', { class: 'good' }, part);
    return /^(true|false|null|-?\d)/.test(part) ? h('span', { class: 'warn' }, part) : part;
  });
}

export function mount(root, end) {
  const path = h('select', { class: 'field', 'aria-label': t('playground.endpoint'), onchange: () => { body.value = JSON.stringify(SAMPLES[path.value], null, 2); translate(); } },
    Object.keys(SAMPLES).map((name) => h('option', { value: name }, name)));
  const body = h('textarea', { class: 'field', 'aria-label': t('playground.left'), spellcheck: 'false', value: JSON.stringify(SAMPLES['/v1/chat/completions'], null, 2), oninput: () => { clearTimeout(due); due = setTimeout(translate, 400); } });
  const right = h('pre', { class: 'code', tabindex: '0', role: 'group', 'aria-label': t('playground.right') });
  const target = h('span', { class: 'muted mono' });
  const fields = h('tbody', {});
  const none = h('p', { class: 'empty' }, t('playground.none'));
  let due = null;
  let turn = 0;
  end.append(path);
  root.append(h('p', { class: 'lede' }, t('playground.about')),
    h('div', { class: 'grid2 even tall' }, panel(t('playground.left'), {}, h('div', { class: 'body' }, body)), panel(t('playground.right'), { end: [target] }, h('div', { class: 'body' }, right))),
    panel(t('playground.fields'), {}, h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': t('playground.fields') },
      h('table', {}, h('thead', {}, h('tr', {}, ['playground.field', 'playground.verdict', 'playground.why'].map((name) => h('th', { scope: 'col' }, t(name))))), fields)), none));

  async function translate() {
    turn += 1;
    const mine = turn;
    try {
      const told = await ask('POST', `translate?path=${encodeURIComponent(path.value)}`, body.value);
      if (mine !== turn) return;
      write(target, told.model ? `${told.model}:${told.method}` : '');
      replace(right, coloured(told.request ?? told.reply));
      const list = told.fields ?? [];
      none.hidden = list.length > 0;
      replace(fields, list.map((note) => {
        const [glyph, colour] = VERDICTS[note.verdict] ?? ['·', ''];
        return h('tr', {}, h('td', { class: 'mono' }, note.field), h('td', { class: 'nowrap' }, h('span', { class: `badge ${note.loss ? 'bad' : colour}` }, `${glyph} ${t(`verdict.${note.verdict}`)}`)), h('td', {}, note.why));
      }));
    } catch (error) {
      if (mine !== turn) return;
      write(target, error.status ? `HTTP ${error.status}` : '');
      const { param, code } = error.document?.error ?? {};
      replace(right, h('span', { class: 'bad' }, [error.message, param && `\n${t('playground.param')}: ${param}`, code && `\n${t('playground.code')}: ${code}`].filter(Boolean).join('')));
      replace(fields);
      none.hidden = false;
    }
  }
  translate();
  return {};
}
