// The frame of the page: sign-in, navigation, language and theme. Each screen is a module that mounts itself and receives events.

import { attribute, dialog, h, replace, s, write } from './dom.js';
import { key, listen, now, state, tick } from './feed.js';
import { language, lasts, speak, t } from './words.js';
import * as overview from './screens/overview.js';
import * as keys from './screens/keys.js';
import * as requests from './screens/requests.js';
import * as latency from './screens/latency.js';
import * as config from './screens/config.js';
import * as plugins from './screens/plugins.js';
import * as playground from './screens/playground.js';
import * as usage from './screens/usage.js';

const SCREENS = { overview, keys, requests, latency, config, plugins, playground, usage };
const ICONS = {
  overview: 'M2 8h3l2-5 3 10 2-5h2', keys: 'M2 3h3v3H2zM7 3h3v3H7zM12 3h2v3h-2zM2 9h3v3H2zM7 9h3v3H7zM12 9h2v3h-2z',
  requests: 'M2 4h12M2 8h8M2 12h10', latency: 'M2 13V9M5 13V5M8 13V3M11 13V7M14 13v-3', config: 'M2 5h7m3 0h2M2 11h2m3 0h7M9 3v4M7 9v4',
  plugins: 'M6 2v3M10 2v3M4 5h8v3a4 4 0 0 1-8 0zM8 12v2', playground: 'M2 3h5v10H2zM9 3h5v10H9z', usage: 'M8 2v6h6A6 6 0 1 1 8 2z',
};
const THEME = 'gemini-adapter.theme';

let listening = null;
let connection = 'lost';

function theme(name) {
  if (name) localStorage.setItem(THEME, name);
  attribute(document.documentElement, 'data-theme', localStorage.getItem(THEME) === 'auto' ? null : localStorage.getItem(THEME));
}

const isDark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
};

function login(why) {
  listening?.abort();
  const field = h('input', { class: 'field', type: 'password', id: 'admin-key', autocomplete: 'off', spellcheck: 'false', required: true, 'aria-describedby': 'about-key' });
  const words = h('p', { class: 'bad', role: 'alert', hidden: !why }, why ?? '');
  const form = h('form', {
    onsubmit: async (event) => {
      event.preventDefault();
      key.set(field.value.trim());
      start();
    },
  },
  h('h1', { class: 'brand' }, h('img', { src: 'page/icon.svg', alt: '' }), 'gemini-adapter'),
  h('label', { for: 'admin-key' }, t('login.key'), field),
  h('p', { class: 'muted', id: 'about-key' }, t('login.about')),
  words,
  h('button', { class: 'button primary' }, t('login.enter')),
  h('div', { class: 'actions' }, languageSwitch(() => login(why)), themeSwitch()));
  document.body.replaceChildren(h('main', { class: 'login' }, form));
  document.title = 'gemini-adapter';
  field.focus();
}

function languageSwitch(then) {
  return h('button', { class: 'button quiet', type: 'button', lang: language === 'en' ? 'zh-CN' : 'en', onclick: () => { speak(language === 'en' ? 'zh' : 'en'); then(); } },
    language === 'en' ? '中文' : 'English');
}

function themeSwitch() {
  const words = () => (isDark() ? t('theme.light') : t('theme.dark'));
  const button = h('button', { class: 'button quiet', type: 'button', onclick: () => { theme(isDark() ? 'light' : 'dark'); write(button, words()); } }, words());
  return button;
}

/** The frame, and the screen that the address names. */
function frame() {
  let screen = null;
  const links = Object.keys(SCREENS).map((name) => h('li', {}, h('a', { href: `#/${name}`, 'data-screen': name },
    s('svg', { viewBox: '0 0 16 16', fill: 'none', stroke: 'currentColor', 'stroke-width': 1.5, 'stroke-linejoin': 'round', 'aria-hidden': 'true' }, s('path', { d: ICONS[name] })),
    t(`screen.${name}`))));
  const dot = h('span', { class: 'dot' });
  const status = h('span', {});
  const version = h('span', { class: 'wide' });
  const title = h('h1', { tabindex: '-1' });
  const end = h('div', { class: 'end' });
  const content = h('div', {});
  const leave = h('button', { class: 'button quiet out', type: 'button', onclick: () => { key.forget(); login(); } }, t('leave'));
  const side = h('aside', { class: 'side' },
    h('div', { class: 'brand' }, h('img', { src: 'page/icon.svg', alt: '' }), 'gemini-adapter'),
    h('nav', { 'aria-label': t('screens') }, h('ol', {}, links)),
    h('div', { class: 'foot' },
      h('span', { class: 'status', role: 'status' }, dot, status), version,
      h('div', { class: 'row' }, languageSwitch(frame), themeSwitch(), leave)));
  const main = h('main', { class: 'main', id: 'main' }, h('div', { class: 'head' }, title, end), content);
  document.body.replaceChildren(h('div', { class: 'frame' }, side, main));

  function show(focus) {
    const name = SCREENS[location.hash.slice(2).split('/')[0]] ? location.hash.slice(2).split('/')[0] : 'overview';
    screen?.leave?.();
    links.forEach((link) => attribute(link.firstChild, 'aria-current', link.firstChild.dataset.screen === name ? 'page' : null));
    links.find((link) => link.firstChild.dataset.screen === name)?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    write(title, t(`screen.${name}`));
    document.title = `${t(`screen.${name}`)} · gemini-adapter`;
    replace(end);
    replace(content);
    screen = SCREENS[name].mount(content, end);
    screen.told?.(null);
    if (focus) title.focus({ preventScroll: true });
  }

  let due = new Set();
  let asked = false;
  const draw = () => {
    asked = false;
    const events = due;
    due = new Set();
    for (const event of events) screen.told?.(event);
    foot();
  };
  const foot = () => {
    dot.className = `dot ${connection === 'live' ? 'good live-dot' : 'bad'}`;
    write(status, t(`feed.${connection}`));
    if (state.hello) write(version, t('running', { version: state.hello.version, since: lasts((now() - new Date(state.hello.started)) / 1000) }));
  };
  current = {
    show,
    foot,
    tell(event) {
      due.add(event);
      if (!asked) requestAnimationFrame(draw);
      asked = true;
    },
  };
  show();
  foot();
}

let current = null;

addEventListener('hashchange', () => current && key.get() && current.show(true));
setInterval(() => { if (current && key.get() && !document.hidden) current.tell('second'); }, 1000);

addEventListener('keydown', (event) => {
  if (!current || !key.get() || event.metaKey || event.ctrlKey || !event.altKey || document.querySelector('dialog')) return;
  const name = Object.keys(SCREENS)[Number(event.code.replace('Digit', '')) - 1];
  if (name) {
    event.preventDefault();
    location.hash = `#/${name}`;
  } else if (event.code === 'KeyK') {
    dialog(t('shortcuts'), t('close'), h('p', {}, t('shortcuts.about')));
  }
});

function start() {
  if (!key.get()) return login();
  listening?.abort();
  listening = new AbortController();
  current = null;
  const first = (event) => {
    if (event === 'hello') tick(state.hello.now);
    // The first events arrive together; the frame is drawn once all of them are here.
    if (event === 'usage' && !current) frame();
    current?.tell(event);
  };
  listen(first, (how, words) => {
    connection = how;
    if (how === 'refused') {
      key.forget();
      current = null;
      login(words ?? t('login.wrong'));
    }
    if (how === 'lost' && !current) {
      key.forget();
      login(t('login.unreachable'));
    }
    current?.foot();
  }, listening.signal);
}

theme();
start();
