// How pools are shown: key states as words, colours and glyphs; whether many keys fail together.

import { state, now } from './feed.js';
import { t } from './words.js';

export const GLYPHS = { ready: '●', resting: '◔', probing: '◐', dead: '✕', disabled: '∅', idle: '·' };
export const STATES = ['ready', 'resting', 'probing', 'dead', 'disabled'];

/** The models of a pool: those its keys were used for, in order of name. */
export function models(pool) {
  return [...new Set(pool.keys.flatMap((key) => Object.keys(key.models)))].sort();
}

/** How a key stands for a model: its own state where that is not ready, else the model's. */
export function cell(key, model) {
  const own = key.state !== 'ready';
  const of = own ? key : key.models[model];
  if (!of) return { state: 'idle' };
  return { ...of, own, today: key.models[model]?.today };
}

export const name = (key) => key.name ?? key.id;

/** What the key of this id is called. */
export function called(id) {
  for (const pool of Object.values(state.pools?.pools ?? {})) {
    const key = pool.keys.find((key) => key.id === id);
    if (key) return name(key);
  }
  return id;
}

const longest = new Map();

/** What is left of a rest, in seconds, and as a share of all that was seen of it. */
export function rest(cell) {
  if (cell.state !== 'resting' || !cell.until) return null;
  const left = Math.max(0, (new Date(cell.until) - now()) / 1000);
  const all = Math.max(longest.get(cell.until) ?? 0, left, 1);
  if (longest.size > 5000) longest.clear();
  longest.set(cell.until, all);
  return { left, share: left / all };
}

const WINDOW = 10_000;
const MOST = 0.8;

/** Pools of which most keys began to rest within ten seconds: hardly the keys' own doing. */
export function together() {
  if (!state.pools) return [];
  const rests = [];
  for (const request of [...state.requests.live, ...state.requests.over]) {
    for (const tried of request.tries) {
      if (tried.rest && tried.rest.of !== 'model') rests.push({ pool: request.pool, key: tried.key, why: tried.outcome, at: new Date(request.at).getTime() + (tried.ended_ms ?? 0) });
    }
  }
  return Object.entries(state.pools.pools).flatMap(([pool, { keys }]) => {
    if (keys.length < 2) return [];
    const out = keys.filter((key) => key.state !== 'ready' || Object.values(key.models).some((model) => model.state === 'resting'));
    if (out.length < keys.length * MOST) return [];
    const recent = rests.filter((rest) => rest.pool === pool).sort((one, other) => one.at - other.at);
    for (const first of recent) {
      const within = recent.filter((rest) => rest.at >= first.at && rest.at < first.at + WINDOW);
      const hit = new Set(within.map((rest) => rest.key));
      if (hit.size >= keys.length * MOST) {
        const why = within.map((rest) => rest.why).sort((a, b) => within.filter((x) => x.why === b).length - within.filter((x) => x.why === a).length)[0];
        return [{ pool, hit: hit.size, of: keys.length, why: t(`why.${why}`) }];
      }
    }
    return [];
  });
}
