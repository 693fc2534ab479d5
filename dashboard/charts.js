// Charts: bars over time, histograms with percentiles, waterfalls.

import { h, s } from './dom.js';
import { called } from './pools.js';
import { took, t } from './words.js';

const title = (text) => s('title', {}, text);

/** Beats of two seconds in five minutes. */
const BEATS = 150;

/** How much room there is to draw in. */
export const room = (element) => Math.max(240, (element.clientWidth || 900) - 28);

/** The last minutes: one stack of bars a beat. `beats`: arrays of numbers, one for each of `fills`. */
export function pulse(beats, fills, width, label) {
  const [height, foot, gutter] = [116, 18, 26];
  const whole = width;
  width -= gutter;
  beats = [...Array(Math.max(0, BEATS - beats.length)).fill(fills.map(() => 0)), ...beats];
  const highest = 2 * Math.ceil(Math.max(4, ...beats.map((beat) => beat.reduce((sum, part) => sum + part, 0))) / 2);
  const step = width / Math.max(beats.length, 1);
  const scale = (height - 12) / highest;
  const chart = s('svg', { class: 'chart', viewBox: `0 0 ${whole} ${height + foot}`, role: 'img', 'aria-label': label });
  for (const line of [0, 0.5, 1]) {
    const y = height - line * highest * scale;
    chart.append(s('line', { class: 'axis', x1: 0, x2: width, y1: y, y2: y }));
    if (line) chart.append(s('text', { x: whole, y: y + 4, 'text-anchor': 'end' }, String(Math.round(line * highest))));
  }
  fills.forEach((fill, series) => {
    const bars = beats.map((beat, place) => {
      if (!beat[series]) return '';
      const below = beat.slice(0, series).reduce((sum, part) => sum + part, 0) * scale;
      const x = (place * step + step * 0.14).toFixed(1);
      return `M${x} ${(height - below).toFixed(1)}h${(step * 0.72).toFixed(1)}v-${(beat[series] * scale).toFixed(1)}h-${(step * 0.72).toFixed(1)}z`;
    });
    chart.append(s('path', { class: fill, d: bars.join('') }));
  });
  [5, 4, 3, 2, 1].filter((minutes) => width > 500 || minutes % 2).forEach((minutes) => chart.append(s('text', { x: ((5 - minutes) * width) / 5, y: height + foot - 2 }, `−${minutes} min`)));
  chart.append(s('text', { x: width, y: height + foot - 2, 'text-anchor': 'end' }, t('now')));
  return chart;
}

export function spark(values, stroke = 's-accent') {
  const [width, height] = [120, 22];
  const highest = Math.max(...values, 1);
  const points = values.map((value, place) => `${((place / Math.max(values.length - 1, 1)) * width).toFixed(1)} ${(height - 1 - (value / highest) * (height - 3)).toFixed(1)}`);
  return s('svg', { class: 'chart', viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    s('path', { class: stroke, d: points.length ? `M${points.join('L')}` : '', 'stroke-width': 1.4, 'vector-effect': 'non-scaling-stroke' }));
}

/** From where to where the axis of several histograms reaches, so that they can be compared. */
export function reach(histograms) {
  const bounds = histograms.flatMap(({ buckets }) => buckets.map(([bound]) => bound));
  return [Math.min(10, ...bounds), Math.max(1000, ...bounds)];
}

/** A histogram on a logarithmic axis, with its percentiles as lines. */
export function histogram({ buckets, count, p50_ms, p90_ms, p99_ms }, [least, most], fill, width, label) {
  const [height, foot] = [126, 18];
  const chart = s('svg', { class: 'chart histogram', viewBox: `0 0 ${width} ${height + foot}`, role: 'img', 'aria-label': `${label}: ${count}, p50 ${took(p50_ms)}, p90 ${took(p90_ms)}, p99 ${took(p99_ms)}` });
  if (!buckets.length) return chart;
  const [low, high] = [Math.log10(least / 1.6), Math.log10(most * 1.3)];
  const x = (ms) => ((Math.log10(ms) - low) / (high - low)) * width;
  const highest = Math.max(...buckets.map(([, number]) => number));
  const wide = x(1.25) - x(1);
  chart.append(s('line', { class: 'axis', x1: 0, x2: width, y1: height, y2: height }));
  for (const [bound, number] of buckets) {
    const tall = Math.max(1.5, (number / highest) * (height - 18));
    chart.append(s('rect', { class: fill, x: x(bound / 1.25) + 0.6, y: height - tall, width: Math.max(wide - 1.2, 1), height: tall, rx: 1.5 },
      title(`≤ ${took(bound)}: ${number}`)));
  }
  let last = -60;
  for (const [name, ms] of [['p50', p50_ms], ['p90', p90_ms], ['p99', p99_ms]]) {
    if (!ms) continue;
    const at = Math.min(x(ms), width - 1);
    chart.append(s('line', { class: 'mark', x1: at, x2: at, y1: 12, y2: height }, title(`${name} ${took(ms)}`)));
    if (at - last > 26) chart.append(s('text', { x: at, y: 9, 'text-anchor': at > width - 14 ? 'end' : 'middle' }, name));
    last = at;
  }
  let edge = -60;
  for (const tick of [0.01, 0.1, 1, 10, 100, 1000, 10_000, 60_000, 600_000]) {
    const at = x(tick);
    if (at < 0 || at > width || at - edge < 44) continue;
    edge = at;
    chart.append(s('text', { x: at, y: height + foot - 4, 'text-anchor': at < 20 ? 'start' : at > width - 20 ? 'end' : 'middle' }, took(tick)));
  }
  return chart;
}

const FILLS = { ok: 'info', undefined: 'muted' };

/** What a request's time went to: [name, from, to, colour, detail], in milliseconds. */
export function spans(request) {
  const end = Math.max(request.duration_ms ?? 0, 1);
  const list = [];
  if (request.arrived_ms) list.push([t('span.arrived'), 0, request.arrived_ms, 'muted', t('span.arrived.about')]);
  request.tries.forEach((tried, place) => {
    const good = tried.outcome === 'ok' || tried.outcome === undefined;
    list.push([t('span.attempt', { n: place + 1 }), tried.began_ms, tried.ended_ms ?? end, good ? FILLS[tried.outcome] : 'bad',
      `${called(tried.key)} · ${tried.model}${tried.outcome && tried.outcome !== 'ok' ? ` · ${t(`why.${tried.outcome}`)}` : ''}`]);
  });
  if (request.first_token_ms !== null && request.first_token_ms !== undefined && request.stream) {
    list.push([t('span.stream'), request.first_token_ms, end, request.status >= 400 ? 'bad' : 'good', t('span.stream.about', { n: request.pieces })]);
  }
  return list;
}

/** The same in a line, on a scale of `longest`. */
export function fall(request, longest) {
  const x = (ms) => (ms / Math.max(longest, 1)) * 130;
  return s('svg', { class: 'fall', viewBox: '0 0 130 12', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    s('rect', { class: 'f-muted', x: 0, y: 5.5, width: Math.max(x(request.duration_ms), 1), height: 1 }),
    spans(request).map(([, from, to, fill]) => s('rect', { class: `f-${fill}`, x: x(from), y: 2, width: Math.max(x(to - from), 1.5), height: 8, rx: 1 })));
}

export function waterfall(request) {
  const end = Math.max(request.duration_ms, 1);
  const rows = spans(request).map(([name, from, to, fill, detail]) => [
    h('span', { class: 'nowrap' }, name),
    h('span', { class: 'lane', title: detail },
      h('i', { class: `fill-${fill}`, vars: { left: `${(Math.min(from, end) / end) * 100}%`, width: `${(Math.max(Math.min(to, end) - from, 0) / end) * 100}%` } })),
    h('span', { class: 'num nowrap' }, took(to - from)),
  ]);
  return h('div', { class: 'waterfall' }, rows);
}
