// Keys: each pool's heat map, what rests and why, and what is done about it.

import { h, keyed, panel, write } from '../dom.js';
import { state } from '../feed.js';
import { name } from '../pools.js';
import { count, t } from '../words.js';
import { together } from './banner.js';
import { legend, map } from './heat.js';

export function mount(root, end) {
  const filter = h('input', { class: 'field', type: 'search', placeholder: t('keys.filter'), 'aria-label': t('keys.filter'), oninput: () => told('pools') });
  end.append(filter);
  const banner = together();
  const pools = h('div', {});
  root.append(banner.element, pools);
  const wanted = (key) => `${name(key)} ${key.id} ${key.project ?? ''} ${t(`state.${key.state}`)}`.toLowerCase().includes(filter.value.trim().toLowerCase());

  function make([pool]) {
    const counts = h('span', { class: 'muted' });
    const heat = map(t('keys.of', { pool }));
    const element = panel(t('keys.of', { pool }), { end: [counts] }, h('div', { class: 'body' }, heat.element, h('p', { class: 'sr' }, t('keys.about'))));
    return { element, counts, heat };
  }

  function told(event) {
    if (event && event !== 'pools' && event !== 'second' && event !== 'requests') return;
    banner.draw();
    if (!state.pools || event === 'requests') return;
    keyed(pools, Object.entries(state.pools.pools), ([pool]) => pool, make, ({ counts, heat }, [, pool]) => {
      const { total, usable, resting, dead, disabled } = pool.counts;
      write(counts, t('keys.counts', { total: count(total), usable: count(usable), resting: count(resting), dead: count(dead), disabled: count(disabled) }));
      heat.draw(pool, wanted);
    });
  }
  root.append(legend());
  return { told };
}
