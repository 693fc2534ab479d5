// Requests under way and over, each with a line of what its time went to; behind it, the whole waterfall.

import { attribute, dialog, h, keyed, panel, replace, toast, write } from '../dom.js';
import { fall, waterfall } from '../charts.js';
import { ask, download, state } from '../feed.js';
import { called } from '../pools.js';
import { clock, count, moment, short, took, t } from '../words.js';

const PHASES = { accepted: ['·', ''], attempt: ['◐', 'info'], retrying: ['↻', 'warn'], answering: ['◐', 'info'], streaming: ['▶', 'good'] };

function mark(request) {
  if (request.phase !== 'done') {
    const [glyph, colour] = PHASES[request.phase] ?? ['·', ''];
    const words = request.phase === 'attempt' ? t('phase.attempt', { n: request.tries.length }) : t(`phase.${request.phase}`);
    return [glyph, colour, words];
  }
  if (request.status === 499) return ['↩', '', t('phase.left')];
  if (request.status >= 500) return ['✕', 'bad', String(request.status)];
  if (request.status >= 400) return ['!', 'warn', String(request.status)];
  return ['✓', 'good', String(request.status)];
}

/** How many milliseconds it is, or was, under way, by the clock that is seen. */
const lasted = (request) => request.duration_ms;

async function details(request) {
  const pair = (term, text) => (text === undefined || text === null || text === '' || text === 0 ? null : [h('dt', {}, term), h('dd', {}, text)]);
  const tries = request.tries.map((tried, place) => h('tr', {},
    h('td', { class: 'num' }, String(place + 1)), h('td', {}, called(tried.key)), h('td', { class: 'mono' }, tried.model),
    h('td', { class: tried.outcome === 'ok' ? 'good' : tried.outcome ? 'bad' : '' }, tried.outcome ? t(`why.${tried.outcome}`) : '…', tried.status ? ` (${tried.status})` : ''),
    h('td', {}, tried.rest ? t(`rest.${tried.rest.of}`, { s: tried.rest.seconds === null ? t('rest.ever') : took(tried.rest.seconds * 1000) }) : ''),
    h('td', { class: 'num' }, took((tried.ended_ms ?? request.duration_ms) - tried.began_ms))));
  const story = h('ol', { class: 'muted' });
  dialog(t('request.title', { id: request.request_id.slice(0, 18) }), t('close'),
    h('div', {}, waterfall(request)),
    h('dl', { class: 'kv' }, [
      pair(t('request.id'), h('code', {}, request.request_id)), pair(t('request.at'), moment(request.at)), pair(t('request.client'), request.client),
      pair(t('request.asked'), request.asked && `${request.asked} (${request.api}${request.stream ? `, ${t('request.stream')}` : ''})`),
      pair(t('request.model'), request.model && `${request.model} · ${request.pool} · ${called(request.key)}`),
      pair(t('request.status'), `${mark(request)[0]} ${mark(request)[2]}${request.error ? ` ${request.error.code ?? request.error.type}` : ''}`),
      pair(t('request.cache'), request.cache),
      pair(t('request.first'), request.first_token_ms && took(request.first_token_ms)), pair(t('request.duration'), took(request.duration_ms)),
      pair(t('request.tokens'), request.prompt_tokens + request.completion_tokens && t('request.tokens.about', { prompt: count(request.prompt_tokens), completion: count(request.completion_tokens) })),
      pair(t('request.plugins'), request.plugins?.map((cost) => `${cost.plugin}.${cost.hook} ${took(cost.spent_ms)}${cost.calls > 1 ? ` (${cost.calls}×)` : ''}`).join(', ')),
    ]),
    tries.length ? h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': t('request.tries') }, h('table', {}, h('thead', {}, h('tr', {},
      ['#', t('key'), t('request.model'), t('request.outcome'), t('request.rest'), t('request.duration')].map((name, place) => h('th', { scope: 'col', class: place === 5 || !place ? 'num' : null }, name)))),
    h('tbody', {}, tries))) : null,
    story,
    h('div', { class: 'actions' },
      h('button', { class: 'button primary', type: 'button', disabled: !request.capsule, onclick: () => download(`capsule/${encodeURIComponent(request.request_id)}`, `capsule-${request.request_id}.json`).catch((error) => toast(error.message)) }, t('request.capsule')),
      request.capsule ? null : h('span', { class: 'muted' }, t('request.no_capsule'))));
  try {
    const told = await ask('GET', `explain/${encodeURIComponent(request.request_id)}`);
    replace(story, told.story.map((line) => h('li', {}, request.tries.reduce((words, { key }) => words.replaceAll(key, called(key)), line))));
  } catch { /* It is no longer kept; the page has what it saw of it. */ }
}

/** A table of requests that can be told again and again. */
export function table({ most }) {
  const body = h('tbody', {});
  const head = [['request.time'], ['request.status'], ['request.client', 'wide'], ['request.asked'], ['request.model', 'wide'], ['key', 'wide'], ['request.spent', 'wide'], ['request.first', 'num wide'], ['request.duration', 'num'], ['request.tokens', 'num wide']];
  const empty = h('p', { class: 'empty' }, t('requests.none'));
  const element = h('div', {}, h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': t('screen.requests') },
    h('table', {}, h('thead', {}, h('tr', {}, head.map(([name, kind]) => h('th', { scope: 'col', class: kind }, t(name))))), body)), empty);
  return {
    element,
    draw(requests) {
      const shown = requests.slice(0, most);
      const longest = Math.max(...shown.map(lasted), 1);
      empty.hidden = shown.length > 0;
      keyed(body, shown, (request) => request.number, row, (line, request) => line.draw(request, longest));
    },
  };
}

function row() {
  let shown = null;
  const cells = Object.fromEntries(['time', 'status', 'client', 'asked', 'model', 'key', 'first', 'duration', 'tokens'].map((name) => [name, h('span', {})]));
  const spent = h('span', {});
  const badge = h('button', { class: 'button link', type: 'button' });
  const cell = (content, kind) => h('td', { class: kind }, content);
  const element = h('tr', { class: 'pick', onclick: () => details(shown) }, cell(cells.time, 'muted nowrap'), cell(badge, 'nowrap'), cell(h('div', { class: 'clip' }, cells.client), 'wide'), cell(h('div', { class: 'clip' }, cells.asked)),
    cell(h('div', { class: 'clip mono' }, cells.model), 'wide'), cell(h('div', { class: 'clip' }, cells.key), 'wide'), cell(spent, 'wide'), cell(cells.first, 'num wide nowrap'), cell(cells.duration, 'num nowrap'), cell(cells.tokens, 'num wide nowrap'));
  let drawn = '';
  return {
    element,
    draw(request, longest) {
      shown = request;
      const stamp = `${request.phase} ${request.duration_ms} ${request.pieces} ${longest}`;
      if (stamp === drawn) return;
      drawn = stamp;
      const [glyph, colour, words] = mark(request);
      write(badge, `${glyph} ${words}`);
      badge.className = `button link ${colour}`;
      attribute(badge, 'aria-label', t('request.open', { words, asked: request.asked || request.api }));
      write(cells.time, clock(request.at));
      write(cells.client, request.client);
      write(cells.asked, request.asked || request.api);
      write(cells.model, request.model.replace(/^gemini-/, ''));
      write(cells.key, `${called(request.key)}${request.attempts > 1 ? ` ×${request.attempts}` : ''}`);
      write(cells.first, request.first_token_ms ? took(request.first_token_ms) : '');
      write(cells.duration, took(request.duration_ms));
      write(cells.tokens, request.prompt_tokens + request.completion_tokens ? short(request.prompt_tokens + request.completion_tokens) : '');
      replace(spent, fall(request, longest));
    },
  };
}

const KINDS = { all: () => true, live: (request) => request.phase !== 'done', failed: (request) => request.status >= 400, retried: (request) => request.attempts > 1 };

export function mount(root, end) {
  let kind = 'all';
  let paused = null;
  const filter = h('input', { class: 'field', type: 'search', placeholder: t('requests.filter'), 'aria-label': t('requests.filter'), oninput: () => draw() });
  const kinds = Object.keys(KINDS).map((name) => h('button', { class: 'button', type: 'button', 'aria-pressed': name === kind, onclick: () => {
    kind = name;
    for (const button of kinds) attribute(button, 'aria-pressed', button === kinds[Object.keys(KINDS).indexOf(name)]);
    draw();
  } }, t(`requests.${name}`)));
  const pause = h('button', { class: 'button', type: 'button', 'aria-pressed': 'false', onclick: () => {
    paused = paused ? null : state.requests;
    attribute(pause, 'aria-pressed', Boolean(paused));
    draw();
  } }, t('requests.pause'));
  end.append(filter, h('div', { class: 'segments', role: 'group', 'aria-label': t('requests.kind') }, kinds), pause);
  const list = table({ most: 120 });
  const total = h('span', { class: 'muted' });
  root.append(panel(t('screen.requests'), { end: [total] }, list.element));
  function draw() {
    const { live, over, under_way } = paused ?? state.requests;
    const wanted = filter.value.trim().toLowerCase();
    const found = [...live.slice().reverse(), ...over].filter((request) => KINDS[kind](request)
      && `${request.request_id} ${request.client} ${request.asked} ${request.model} ${request.key} ${called(request.key)} ${request.status} ${request.tries.map((tried) => tried.outcome).join(' ')}`.toLowerCase().includes(wanted));
    list.draw(found);
    write(total, t('requests.count', { live: count(under_way), over: count(over.length) }));
  }
  return { told: (event) => { if (!event || event === 'requests') draw(); } };
}
