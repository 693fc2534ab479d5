// The configuration: what is live, what was refused and where, what was before, and back to it.

import { dialog, h, panel, replace, toast } from '../dom.js';
import { ask, now, state } from '../feed.js';
import { lasts, moment, t } from '../words.js';

const text = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

/** Changes as lines before and after. */
export function diff(changes, place = 'path') {
  if (!changes.length) return h('p', { class: 'muted' }, t('config.no_changes'));
  return h('div', { class: 'diff' }, changes.map((change) => [
    h('div', { class: 'path' }, change[place] || '/'),
    change.before === undefined ? null : h('div', { class: 'old' }, text(change.before)),
    change.after === undefined ? null : h('div', { class: 'new' }, text(change.after)),
  ]));
}

function where({ source, path }) {
  const file = source?.file;
  const place = file ? [file.file, file.line, file.column].filter(Boolean).join(':') : source?.environment ? `$${source.environment}` : source === 'command_line' ? t('config.flag') : '';
  return [place, path].filter(Boolean).join(' · ');
}

/** The line, and carets under the word that is wrong. */
function marked({ excerpt, source }) {
  const column = source?.file?.column;
  if (!column || column > excerpt.length + 1) return excerpt;
  const rest = excerpt.slice(column - 1);
  const wide = /^(?:"[^"]*"?|'[^']*'?|[\p{L}\p{N}_\-·.]+)/u.exec(rest)?.[0].length ?? 1;
  return `${excerpt}\n${' '.repeat(column - 1)}${'^'.repeat(wide)}`;
}

export function problems(list) {
  return list.map((problem) => h('div', { class: 'problem' },
    h('div', {}, h('span', { class: `badge ${problem.severity === 'error' ? 'bad' : 'warn'}` }, t(`config.${problem.severity}`)), ' ', h('code', {}, where(problem))),
    h('div', {}, problem.message), problem.excerpt ? h('pre', { class: 'code', tabindex: '0' }, marked(problem)) : null, problem.hint ? h('div', { class: 'muted' }, `→ ${problem.hint}`) : null));
}

export function mount(root, end) {
  const shown = h('div', {});
  const tried = h('div', {});
  let drawn = '';
  root.append(tried, shown);

  async function run(path, after) {
    try {
      after(await ask('POST', path));
    } catch (error) {
      const list = error.document?.problems;
      if (list) replace(tried, panel(t('config.would_refuse'), {}, h('div', { class: 'body' }, problems(list))));
      else toast(error.message);
    }
  }
  end.append(
    h('button', { class: 'button', type: 'button', onclick: () => run('config/trial', ({ changes }) => replace(tried, panel(t('config.would_change'), {}, h('div', { class: 'body' }, diff(changes))))) }, t('config.trial')),
    h('button', { class: 'button primary', type: 'button', onclick: () => run('reload', (done) => { replace(tried); toast(done.changed ? t('config.reloaded', { n: done.generation }) : t('config.same')); }) }, t('config.reload')));

  function back(generation) {
    const box = dialog(t('config.rollback.title', { n: generation }), t('close'), h('p', {}, t('config.rollback.about')),
      h('div', { class: 'actions' }, h('button', { class: 'button primary', type: 'button', onclick: () => {
        box.close();
        run(`config/rollback/${generation}`, (done) => toast(t('config.reloaded', { n: done.generation ?? '' })));
      } }, t('config.rollback'))));
  }

  return {
    told(event) {
      if ((event && event !== 'config') || !state.config) return;
      // What was tried was tried against what is no longer so.
      const stamp = `${state.config.generation} ${state.config.refused?.at}`;
      if (stamp !== drawn) replace(tried);
      drawn = stamp;
      const { generation, hash, file, included, loaded_at, refused, warnings, history } = state.config;
      const pair = (term, content) => [h('dt', {}, term), h('dd', {}, content)];
      replace(shown,
        refused ? panel(t('config.refused'), { end: [h('span', { class: 'badge bad' }, moment(refused.at))] }, h('div', { class: 'body' },
          h('p', { class: 'bad' }, t(refused.started_on_last_good ? 'config.last_good' : 'config.refused.about')), problems(refused.problems))) : null,
        h('div', { class: 'grid2' },
          panel(t('config.live'), { end: [h('span', { class: 'badge good' }, `✓ ${t('config.generation', { n: generation })}`)] }, h('div', { class: 'body' }, h('dl', { class: 'kv' },
            pair(t('config.hash'), h('code', {}, hash)), pair(t('config.file'), h('code', {}, [file ?? t('config.built_in'), ...included].join(', '))),
            pair(t('config.loaded'), `${moment(loaded_at)} (${t('ago', { time: lasts((now() - new Date(loaded_at)) / 1000) })})`))), warnings.length ? h('div', { class: 'body' }, problems(warnings)) : null),
          panel(t('config.history'), {}, h('div', { class: 'body' }, history.map((kept) => h('div', { class: 'generation' },
            h('div', {}, h('strong', {}, t('config.generation', { n: kept.generation })), ' ', h('span', { class: 'muted' }, `${kept.hash} · ${moment(kept.at)}`)),
            kept.generation === generation ? h('span', { class: 'badge good' }, t('config.is_live')) : h('button', { class: 'button', type: 'button', onclick: () => back(kept.generation) }, t('config.rollback')),
            kept.changes.length ? diff(kept.changes) : null))))));
    },
  };
}
