// What was used: by client, by model, by day, by key.

import { h, keyed, panel, write } from '../dom.js';
import { state } from '../feed.js';
import { called } from '../pools.js';
import { count, short, t } from '../words.js';

const SUMS = ['requests', 'failures', 'prompt_tokens', 'completion_tokens'];
// By what, and whose rows: clients are known since the start, keys as long as the store keeps them.
const TABLES = [['client', 'clients'], ['model', 'clients'], ['day', 'keys'], ['key', 'keys']];

const tokens = (row) => row.prompt_tokens + row.completion_tokens;

function grouped(by, rows) {
  const groups = new Map();
  for (const row of state.usage[rows]) {
    const group = groups.get(row[by]) ?? { name: row[by], requests: 0, failures: 0, prompt_tokens: 0, completion_tokens: 0 };
    for (const sum of SUMS) group[sum] += row[sum];
    groups.set(row[by], group);
  }
  const list = [...groups.values()];
  return by === 'day' ? list.sort((one, other) => (one.name < other.name ? 1 : -1))
    : list.sort((one, other) => tokens(other) - tokens(one) || other.requests - one.requests);
}

function table(by, rows) {
  const body = h('tbody', {});
  const empty = h('p', { class: 'empty' }, t('usage.none'));
  const title = t(`usage.by.${by}`);
  const head = ['usage.requests', 'usage.failures', 'usage.prompt', 'usage.completion'].map((name) => h('th', { scope: 'col', class: 'num' }, t(name)));
  const element = panel(title, { end: [h('span', { class: 'muted' }, t(rows === 'clients' ? 'usage.since_start' : 'usage.kept'))] },
    h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': title },
      h('table', {}, h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, t(`usage.${by}`)), head, h('th', { scope: 'col' }, t('usage.tokens')))), body)), empty);
  const make = () => {
    const cells = [h('td', { class: 'clip' }), ...SUMS.map(() => h('td', { class: 'num' }))];
    const [prompt, completion] = [h('i', { class: 'share fill-info' }), h('i', { class: 'share fill-accent' })];
    return { element: h('tr', {}, cells, h('td', { class: 'bar' }, prompt, completion)), cells, prompt, completion };
  };
  return {
    element,
    draw() {
      const list = grouped(by, rows);
      const most = Math.max(1, ...list.flatMap((row) => [row.prompt_tokens, row.completion_tokens]));
      empty.hidden = list.length > 0;
      keyed(body, list, (row) => row.name, make, ({ cells, prompt, completion }, row) => {
        write(cells[0], by === 'key' ? called(row.name) : row.name);
        SUMS.forEach((sum, place) => write(cells[place + 1], place < 2 ? count(row[sum]) : short(row[sum])));
        prompt.style.width = `${(row.prompt_tokens / most) * 100}%`;
        completion.style.width = `${(row.completion_tokens / most) * 100}%`;
      });
    },
  };
}

export function mount(root) {
  const tables = TABLES.map(([by, rows]) => table(by, rows));
  root.append(h('div', { class: 'grid2' }, tables.map(({ element }) => element)));
  return { told: (event) => { if ((!event || event === 'usage') && state.usage) for (const table of tables) table.draw(); } };
}
