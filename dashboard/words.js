// The chosen language. Each language has a file with the same names.

import en from './en.js';
import zh from './zh.js';

const LANGUAGES = { en, zh };
const KEPT = 'gemini-adapter.language';

export let language = LANGUAGES[localStorage.getItem(KEPT)] ? localStorage.getItem(KEPT)
  : (navigator.language ?? 'en').toLowerCase().startsWith('zh') ? 'zh' : 'en';

export function speak(name) {
  language = name;
  localStorage.setItem(KEPT, name);
  document.documentElement.lang = name === 'zh' ? 'zh-CN' : 'en';
}
speak(language);

/** The words of this name, with `{values}` put in. */
export function t(name, values) {
  const words = LANGUAGES[language][name] ?? LANGUAGES.en[name] ?? name;
  return values ? words.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? '') : words;
}

const locale = () => (language === 'zh' ? 'zh-CN' : 'en');

export const count = (number) => new Intl.NumberFormat(locale()).format(number ?? 0);
export const short = (number) => new Intl.NumberFormat(locale(), { notation: 'compact', maximumFractionDigits: 1 }).format(number ?? 0);
export const share = (part, whole) => (whole ? new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: 1 }).format(part / whole) : '–');

/** Milliseconds as people say them. */
export function took(ms) {
  if (ms === null || ms === undefined) return '–';
  if (ms < 1) return `${Math.max(1, Math.round(ms * 1000))} µs`;
  if (ms < 1000) return `${ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  return lasts(ms / 1000);
}

/** Seconds as people say them. */
export function lasts(seconds) {
  const s = Math.max(0, Math.ceil(seconds));
  if (s < 100) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, '0')}`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, '0')}`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

export const clock = (at) => new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false }).format(new Date(at));
export const moment = (at) => new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'medium', hour12: false }).format(new Date(at));
