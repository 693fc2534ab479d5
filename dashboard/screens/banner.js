// What must not be missed: many keys that fail together, a configuration that was refused, a server out of reach.

import { h, keyed } from '../dom.js';
import { state } from '../feed.js';
import * as pools from '../pools.js';
import { t } from '../words.js';

export function together() {
  const element = h('div', { role: 'alert' });
  return {
    element,
    draw() {
      const list = pools.together().map(({ pool, hit, of, why }) => ['warn', `together-${pool}`, t('banner.together'), t('banner.together.about', { pool, hit, of, why })]);
      if (state.config?.refused) list.push(['bad', 'refused', t('banner.refused'), t('banner.refused.about'), '#/config']);
      keyed(element, list, ([, key, , words]) => key + words, ([colour, , title, words, link]) => h('div', { class: `banner ${colour}` },
        h('span', { class: 'glyph', 'aria-hidden': 'true' }, colour === 'bad' ? '✕' : '▲'),
        h('span', {}, h('strong', {}, `${title} `), words, link ? [' ', h('a', { href: link }, t('look'))] : null)));
    },
  };
}
