// The heat map of a pool: keys by models. Cells are buttons; what is done to a key is behind them.

import { attribute, dialog, h, keyed, toast, write } from '../dom.js';
import { ask } from '../feed.js';
import { GLYPHS, STATES, cell, models, name, rest } from '../pools.js';
import { count, lasts, moment, t } from '../words.js';

const path = (id, action, model) => `keys/${encodeURIComponent(id)}/${action}${model ? `?model=${encodeURIComponent(model)}` : ''}`;

async function act(id, action, model) {
  try {
    const done = await ask('POST', path(id, action, model));
    toast(action === 'test'
      ? (done.accepted ? t('key.accepted', { n: done.models }) : t('key.refused', { why: t(`why.${done.why}`) }))
      : t(`key.done.${action}`, { key: id }));
  } catch (error) {
    toast(error.message);
  }
}

/** Everything about a key, or about a key and a model. */
export function details(key, model) {
  const of = model ? cell(key, model) : { ...key, own: true };
  const pair = (term, text) => (text === undefined || text === null || text === '' ? null : [h('dt', {}, term), h('dd', {}, text)]);
  const resting = rest(of);
  const today = model ? key.models[model]?.today : null;
  const box = dialog(model ? `${name(key)} × ${model}` : name(key), t('close'),
    h('dl', { class: 'kv' }, [
      pair(t('key.id'), h('code', {}, key.id)), pair(t('key.project'), key.project),
      pair(t('key.state'), h('span', {}, `${GLYPHS[of.state]} ${t(`state.${of.state}`)}${model && of.own ? ` (${t('key.whole')})` : ''}`)),
      pair(t('key.why'), of.why && t(`why.${of.why}`)), pair(t('key.quota'), of.quota_id && h('code', {}, of.quota_id)),
      pair(t('key.until'), of.until && `${moment(of.until)}${resting ? ` (${lasts(resting.left)})` : ''}`),
      pair(t('key.strikes'), of.strikes || null), pair(t('key.last_fault'), of.last_fault && t(`why.${of.last_fault}`)),
      pair(t('key.requests'), count(key.requests)), pair(t('key.failures'), count(key.failures)), pair(t('key.in_flight'), count(key.in_flight)),
      today ? pair(t('key.today'), t('key.today.about', { requests: count(today.requests), tokens: count(today.prompt_tokens + today.completion_tokens) })) : null,
      pair(t('key.shares'), key.probably_shares_quota_with?.join(', ')),
    ]),
    h('div', { class: 'actions' },
      model ? h('button', { class: 'button primary', type: 'button', onclick: () => { act(key.id, 'reset', model); box.close(); } }, t('key.reset.model')) : null,
      h('button', { class: 'button', type: 'button', onclick: () => { act(key.id, 'reset'); box.close(); } }, t('key.reset')),
      key.state === 'disabled'
        ? h('button', { class: 'button', type: 'button', onclick: () => { act(key.id, 'enable'); box.close(); } }, t('key.enable'))
        : h('button', { class: 'button danger', type: 'button', onclick: () => { act(key.id, 'disable'); box.close(); } }, t('key.disable')),
      h('button', { class: 'button', type: 'button', onclick: () => act(key.id, 'test') }, t('key.test'))));
}

export const legend = () => h('div', { class: 'legend' }, STATES.map((state) => h('span', {},
  h('span', { class: `glyph ${{ ready: 'good', resting: 'warn', probing: 'info', dead: 'bad' }[state] ?? ''}`, 'aria-hidden': 'true' }, GLYPHS[state]), t(`state.${state}`))));

/** A map that can be told of a pool again and again. `wanted` says which keys are shown. */
export function map(label) {
  const head = h('tr', {});
  const body = h('tbody', {});
  const table = h('table', { class: 'heat', 'aria-label': label }, h('thead', {}, head), body);
  const element = h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': label }, table);
  const known = new Map();
  return {
    element,
    draw(pool, wanted = () => true) {
      const columns = models(pool);
      const hottest = Math.max(1, ...pool.keys.flatMap((key) => Object.values(key.models).map((model) => model.today?.requests ?? 0)));
      table.style.setProperty('--columns', columns.length);
      keyed(head, ['', ...columns], (model) => model, (model) => h('th', { scope: 'col', title: model },
        model ? model.replace(/^gemini-/, '') : h('span', { class: 'sr' }, t('key'))));
      keyed(body, pool.keys.filter(wanted), (key) => key.id, (key) => row(known, key), (line, key) => {
        known.set(key.id, key);
        line.draw(key, columns, hottest);
      });
    },
  };
}

function row(known, { id }) {
  const glyph = h('span', { class: 'glyph', 'aria-hidden': 'true' });
  const words = h('span', {});
  const button = h('button', { class: 'button', type: 'button', onclick: () => details(known.get(id)) }, glyph, words);
  const header = h('th', { scope: 'row' }, button);
  const line = h('tr', {}, header);
  const cells = new Map();
  return {
    element: line,
    draw(key, columns, hottest) {
      write(glyph, GLYPHS[key.state]);
      glyph.className = `glyph ${{ ready: 'good', resting: 'warn', probing: 'info', dead: 'bad' }[key.state] ?? 'muted'}`;
      write(words, name(key));
      attribute(button, 'aria-label', `${name(key)}: ${t(`state.${key.state}`)}`);
      keyed(line, ['', ...columns], (model) => model, (model) => (model ? place(known, id, model, cells) : header));
      for (const model of columns) cells.get(model).draw(cell(key, model), hottest);
    },
  };
}

function place(known, id, model, cells) {
  const glyph = h('span', { class: 'glyph', 'aria-hidden': 'true' });
  const words = h('span', {});
  const drain = h('span', { class: 'drain', hidden: true });
  const button = h('button', { class: 'cell', type: 'button', onclick: () => details(known.get(id), model) }, glyph, words, drain);
  const draw = (of, hottest) => {
    const left = rest(of);
    const used = of.today?.requests ?? 0;
    const heat = Math.round((Math.sqrt(used / hottest)) * 46);
    button.className = `cell ${of.state}${of.state === 'ready' && heat > 26 ? ' hot' : ''}`;
    button.style.setProperty('--heat', heat);
    write(glyph, GLYPHS[of.state]);
    const text = of.state === 'ready' ? count(used) : left ? lasts(left.left) : of.state === 'idle' ? '' : t(`short.${of.state === 'dead' && of.why ? of.why : of.state}`);
    write(words, text);
    drain.hidden = !left;
    if (left) drain.style.transform = `scaleX(${left.share.toFixed(3)})`;
    const label = `${model}: ${t(`state.${of.state}`)}${of.why && of.state !== 'ready' ? `, ${t(`why.${of.why}`)}` : ''}${left ? `, ${lasts(left.left)}` : ''}, ${t('key.today.about', { requests: count(used), tokens: count((of.today?.prompt_tokens ?? 0) + (of.today?.completion_tokens ?? 0)) })}`;
    attribute(button, 'aria-label', label);
    attribute(button, 'title', label);
  };
  cells.set(model, { draw });
  return h('td', {}, button);
}
