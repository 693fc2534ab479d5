// How it goes, at one look; and, where nobody has called yet, how to begin.

import { attribute, h, keyed, panel, replace, write } from '../dom.js';
import { pulse, room, spark } from '../charts.js';
import { state } from '../feed.js';
import { count, share, short, took, t } from '../words.js';
import { together } from './banner.js';
import { first } from './first.js';
import { legend, map } from './heat.js';
import { table } from './requests.js';

function tile(name) {
  const figure = h('span', {});
  const unit = h('small', {});
  const beside = h('span', { class: 'under' });
  return { element: h('div', { class: 'tile' }, h('dt', {}, t(name)), h('dd', {}, figure, unit, beside)), figure, unit, beside };
}

const sum = (beats, of) => beats.reduce((all, beat) => all + of(beat), 0);
const all = (beat) => beat.answered + beat.client_errors + beat.server_errors;

export function mount(root) {
  const banner = together();
  const tiles = Object.fromEntries(['rate', 'success', 'duration', 'first', 'tokens', 'live'].map((name) => [name, tile(`tile.${name}`)]));
  const traffic = h('div', { class: 'body' });
  const pools = h('div', {});
  const byModel = h('tbody', {});
  const faults = h('div', { class: 'body gap' });
  const head = ['request.model', 'latency.answers', 'p50', 'p99', 'overview.first'];
  const recent = table({ most: 12 });
  const begin = h('div', {});
  const living = h('div', {},
    h('dl', { class: 'tiles' }, Object.values(tiles).map(({ element }) => element)),
    panel(t('overview.traffic'), { end: [h('div', { class: 'legend' },
      [['good', 'answered'], ['warn', 'client'], ['bad', 'server']].map(([colour, name]) => h('span', {}, h('i', { class: `swatch fill-${colour}` }), t(`overview.${name}`))))] }, traffic),
    h('div', { class: 'beside' }, pools, h('div', {}, panel(t('overview.models'), { end: [h('a', { href: '#/latency' }, t('look'))] }, h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': t('overview.models') },
      h('table', {}, h('thead', {}, h('tr', {}, head.map((name, place) => h('th', { scope: 'col', class: place ? 'num' : null }, t(name))))), byModel))), panel(t('overview.faults'), { end: [h('span', { class: 'muted' }, t('overview.faults.of'))] }, faults))),
    panel(t('overview.recent'), { end: [h('a', { href: '#/requests' }, t('overview.all'))] }, recent.element));
  root.append(banner.element, begin, living);

  function figures() {
    const { requests, latencies, beats, models } = state.metrics;
    const minute = beats.slice(-30);
    const done = sum(beats, all);
    write(tiles.rate.figure, short(sum(minute, all)));
    write(tiles.rate.beside, t('tile.rate.about', { n: count(requests.total) }));
    write(tiles.success.figure, share(sum(beats, (beat) => beat.answered), done));
    write(tiles.success.beside, t('tile.success.about', { client: count(sum(beats, (beat) => beat.client_errors)), server: count(sum(beats, (beat) => beat.server_errors)) }));
    write(tiles.duration.figure, took(latencies.p50_ms));
    write(tiles.duration.beside, `p90 ${took(latencies.p90_ms)} · p99 ${took(latencies.p99_ms)}`);
    const most = models.filter((model) => model.first_token.count).sort((one, other) => other.first_token.count - one.first_token.count)[0];
    write(tiles.first.figure, took(most?.first_token.p50_ms));
    write(tiles.first.beside, most ? most.model : t('tile.first.none'));
    write(tiles.tokens.figure, short(sum(minute, (beat) => beat.tokens)));
    replace(tiles.tokens.beside, spark(beats.map((beat) => beat.tokens)));
    keyed(byModel, models.slice().sort((one, other) => other.duration.count - one.duration.count).slice(0, 10), ({ model }) => model, () => {
      const cells = head.map((_, place) => h('td', { class: place ? 'num nowrap' : 'mono nowrap' }));
      return { element: h('tr', {}, cells), cells };
    }, ({ cells }, { model, duration, first_token }) => [model.replace(/^gemini-/, ''), count(duration.count), took(duration.p50_ms), took(duration.p99_ms), took(first_token.p50_ms)]
      .forEach((text, place) => write(cells[place], text)));
    replace(traffic, pulse(beats.map((beat) => [beat.answered, beat.client_errors, beat.server_errors]), ['f-good', 'f-warn', 'f-bad'], room(traffic),
      t('overview.traffic.about', { n: count(done) })));
  }

  /** Why attempts failed, the most frequent first. */
  function failures() {
    const counts = new Map();
    for (const { outcome } of state.requests.over.flatMap((request) => request.tries)) if (outcome && outcome !== 'ok') counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    const list = [...counts].sort(([, one], [, other]) => other - one).slice(0, 6);
    const most = list[0]?.[1] ?? 1;
    replace(faults, list.length ? h('div', { class: 'waterfall' }, list.map(([why, number]) => [
      h('span', {}, t(`why.${why}`)), h('span', { class: 'lane' }, h('i', { class: 'fill-warn', vars: { left: '0', width: `${(number / most) * 100}%` } })), h('span', { class: 'num' }, count(number)),
    ])) : h('p', { class: 'muted' }, t('overview.faults.none')));
  }

  function heat() {
    keyed(pools, Object.entries(state.pools.pools), ([pool]) => pool, ([pool]) => {
      const drawn = map(t('keys.of', { pool }));
      const element = panel(t('keys.of', { pool }), { end: [legend()] }, h('div', { class: 'body' }, drawn.element));
      return { element, drawn };
    }, ({ drawn, element }, [, pool]) => {
      // A pool that nobody has used has nothing to show here.
      drawn.draw({ ...pool, keys: pool.keys.slice(0, 24) });
      element.hidden = !pool.keys.some((key) => Object.keys(key.models).length || key.state !== 'ready');
    });
  }

  return {
    told(event) {
      const silent = !state.metrics?.requests.total && !state.requests.under_way;
      if (silent && !begin.firstChild) begin.append(first());
      if (!silent) replace(begin);
      attribute(living, 'hidden', silent);
      banner.draw();
      if (silent) return;
      if (!event || event === 'metrics') {
        figures();
        failures();
      }
      if (!event || event === 'pools' || event === 'second') heat();
      if (!event || event === 'requests' || event === 'second') {
        recent.draw([...state.requests.live.slice().reverse(), ...state.requests.over]);
        write(tiles.live.figure, count(state.requests.under_way));
        write(tiles.live.beside, t('tile.live.about', { n: count(state.requests.live.filter((request) => request.phase === 'streaming').length) }));
      }
    },
  };
}
