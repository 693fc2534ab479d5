// How long answers take, by model: histograms on a logarithmic axis, with percentiles.

import { h, keyed, panel, replace, write } from '../dom.js';
import { histogram, reach, room } from '../charts.js';
import { state } from '../feed.js';
import { count, took, t } from '../words.js';

export function mount(root) {
  const charts = h('div', {});
  const rows = h('tbody', {});
  const empty = h('p', { class: 'empty' }, t('latency.none'));
  const head = ['request.model', 'latency.answers', 'p50', 'p90', 'p99', 'latency.first', 'p50', 'p90', 'p99'];
  root.append(panel(t('latency.table'), {}, h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': t('latency.table') },
    h('table', {}, h('thead', {}, h('tr', {}, head.map((name, place) => h('th', { scope: 'col', class: place ? 'num' : null }, t(name))))), rows)), empty), charts);

  const row = () => {
    const cells = head.map((_, place) => h('td', { class: place ? 'num' : 'mono nowrap' }));
    return { element: h('tr', {}, cells), cells };
  };
  const pair = ({ model }) => {
    const [duration, first] = [h('div', { class: 'body' }), h('div', { class: 'body' })];
    const element = h('div', { class: 'grid2' }, panel(`${model} · ${t('latency.duration')}`, {}, duration), panel(`${model} · ${t('latency.first')}`, {}, first));
    return { element, duration, first, drawn: '' };
  };
  return {
    told(event) {
      if ((event && event !== 'metrics') || !state.metrics) return;
      const models = state.metrics.models.slice().sort((one, other) => other.duration.count - one.duration.count);
      empty.hidden = models.length > 0;
      keyed(rows, models, ({ model }) => model, row, ({ cells }, { model, duration, first_token }) => {
        const of = (histogram) => [count(histogram.count), took(histogram.p50_ms), took(histogram.p90_ms), took(histogram.p99_ms)];
        [model, ...of(duration), ...of(first_token)].forEach((text, place) => write(cells[place], text));
      });
      const [wholes, firsts] = [reach(models.map((model) => model.duration)), reach(models.map((model) => model.first_token))];
      keyed(charts, models, ({ model }) => model, pair, (kept, { model, duration, first_token }) => {
        const stamp = `${duration.count} ${first_token.count} ${wholes} ${firsts}`;
        if (stamp === kept.drawn) return;
        kept.drawn = stamp;
        replace(kept.duration, histogram(duration, wholes, 'f-bar', room(kept.duration), `${model}, ${t('latency.duration')}`));
        replace(kept.first, first_token.count ? histogram(first_token, firsts, 'f-bar2', room(kept.first), `${model}, ${t('latency.first')}`) : h('p', { class: 'empty' }, t('latency.no_streams')));
      });
    },
  };
}
