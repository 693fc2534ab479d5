// Plugins in their order: hooks, cost, errors, fuses; and a box to try what they make of a request.

import { h, keyed, panel, replace, write } from '../dom.js';
import { ask, state } from '../feed.js';
import { count, took, t } from '../words.js';
import { diff } from './config.js';

const SAMPLE = JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Write to jane.doe@example.org, please.' }] }, null, 2);

export function mount(root) {
  const rows = h('tbody', {});
  const empty = h('p', { class: 'empty' }, t('plugins.none'));
  const head = ['plugins.order', 'plugins.plugin', 'plugins.state', 'plugins.hook', 'plugins.calls', 'plugins.errors', 'p50', 'p99', 'plugins.spent'];
  root.append(panel(t('plugins.title'), {}, h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': t('plugins.title') },
    h('table', {}, h('thead', {}, h('tr', {}, head.map((name, place) => h('th', { scope: 'col', class: place > 3 ? 'num' : null }, t(name))))), rows)), empty));

  const body = h('textarea', { class: 'field', 'aria-label': t('plugins.request'), spellcheck: 'false', value: SAMPLE });
  const outcome = h('div', { role: 'status' }, h('p', { class: 'empty' }, t('plugins.try.about')));
  const button = h('button', { class: 'button primary', type: 'button', onclick: attempt }, t('plugins.run'));
  root.append(h('div', { class: 'grid2' }, panel(t('plugins.try'), { end: [button] }, h('div', { class: 'body' }, body)), panel(t('plugins.outcome'), {}, h('div', { class: 'body' }, outcome))));

  async function attempt() {
    try {
      const told = await ask('POST', 'translate', body.value);
      const steps = told.plugins.map((touched, place) => h('div', { class: 'step' },
        h('div', {}, h('strong', {}, `${place + 1}. ${touched.plugin}`), ' ', h('span', { class: 'badge' }, touched.hook)), diff(touched.changes ?? [], 'pointer')));
      replace(outcome, steps.length ? steps : h('p', { class: 'muted' }, t('plugins.untouched')),
        told.reply ? h('pre', { class: 'code wrap' }, `${t('plugins.replied')}\n${typeof told.reply === 'string' ? told.reply : JSON.stringify(told.reply, null, 2)}`) : h('p', { class: 'muted' }, t('plugins.goes_to', { model: told.model, pool: told.pool })));
    } catch (error) {
      replace(outcome, h('p', { class: 'bad' }, error.message));
    }
  }

  const make = () => {
    const cells = head.map((_, place) => h('td', { class: place > 3 ? 'num nowrap' : 'nowrap' }));
    return { element: h('tr', {}, cells), cells };
  };
  return {
    told(event) {
      if ((event && event !== 'plugins') || !state.plugins) return;
      empty.hidden = state.plugins.length > 0;
      const lines = state.plugins.flatMap((plugin, order) => plugin.hooks.map((hook, place) => ({ plugin, hook, order, first: !place })));
      keyed(rows, lines, ({ plugin, hook }) => `${plugin.name} ${hook.name}`, make, ({ cells }, { plugin, hook, order, first }) => {
        write(cells[0], first ? String(order + 1) : '');
        if (first && cells[1].dataset.of !== plugin.file + plugin.state) {
          cells[1].dataset.of = plugin.file + plugin.state;
          const colour = { live: 'good', shadow: 'info', off: 'bad' }[plugin.state];
          replace(cells[1], h('strong', { title: plugin.about }, plugin.name), plugin.version ? h('span', { class: 'muted' }, ` ${plugin.version}`) : null);
          replace(cells[2], h('span', { class: `badge ${colour}`, title: plugin.why_off }, `${{ live: '●', shadow: '◐', off: '✕' }[plugin.state]} ${t(`plugins.${plugin.state}`)}`));
        }
        [hook.name, count(hook.calls), count(hook.errors), took(hook.p50_ms), took(hook.p99_ms), took(hook.spent_seconds * 1000)].forEach((text, place) => write(cells[place + 3], text));
        cells[5].className = `num ${hook.errors ? 'bad' : ''}`;
      });
    },
  };
}
