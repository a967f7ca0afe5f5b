// Language, numbers, dates and the few ways in which every page builds its DOM. Nothing is ever parsed as HTML.

export const lang = storedLanguage();
const { words } = await import(lang === 'en' ? './strings.en.js' : './strings.js');
// The words for codes; the server reads the same file.
const vocabulary = await (await fetch(new URL('./vocabulary.json', import.meta.url))).json();
document.documentElement.lang = lang;
document.documentElement.dir = lang === 'fa' ? 'rtl' : 'ltr';

function storedLanguage() {
  try {
    return localStorage.getItem('language') === 'en' ? 'en' : 'fa';
  } catch {
    return 'fa'; // Storage may be forbidden; Persian is the default.
  }
}

export function switchLanguage() {
  try { localStorage.setItem('language', lang === 'fa' ? 'en' : 'fa'); } catch { return; }
  location.reload();
}

/** The word under `key`; the key's last part where there is none, so that a newer server's terms still show. */
export function t(key, params = {}) {
  const word = words[key] ?? coded(key) ?? key.slice(key.indexOf('.') + 1);
  return word.replace(/\{(\w+)\}/g, (whole, name) => params[name] ?? whole);
}

/** The vocabulary's word for `family.code`. */
function coded(key) {
  const place = key.indexOf('.');
  return vocabulary[key.slice(0, place)]?.[key.slice(place + 1)]?.[lang];
}

/** True where there is a word for the key. */
export const known = (key) => key in words || coded(key) !== undefined;

// Numbers and dates

const locale = lang === 'fa' ? 'fa-IR' : 'en-GB';
const jalali = `${lang === 'fa' ? 'fa-IR' : 'en-GB'}-u-ca-persian`;
const zone = 'Asia/Tehran';
const integer = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
const share = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 });
const dateFormat = new Intl.DateTimeFormat(jalali, { timeZone: zone, year: 'numeric', month: 'long', day: 'numeric' });
const timeFormat = new Intl.DateTimeFormat(locale, { timeZone: zone, hour: '2-digit', minute: '2-digit' });
const secondFormat = new Intl.DateTimeFormat(locale, {
  timeZone: zone, hour: '2-digit', minute: '2-digit', second: '2-digit',
});
const dayFormat = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' });
const jalaliParts = new Intl.DateTimeFormat('en-US-u-ca-persian', {
  timeZone: zone, year: 'numeric', month: 'numeric', day: 'numeric',
});
const relativeFormat = new Intl.RelativeTimeFormat(lang === 'fa' ? 'fa' : 'en', { numeric: 'auto' });

export const number = (value) => (value === null || value === undefined ? t('app.none') : integer.format(value));
export const percent = (value) => share.format(value);
// Without the era, which English adds.
export const date = (value) => dateFormat.formatToParts(new Date(value)).filter((part) => part.type !== 'era')
  .map((part) => part.value).join('').trim();
export const time = (value) => timeFormat.format(new Date(value));
export const clock = (value) => secondFormat.format(new Date(value));
export const dateTime = (value) =>
  `${date(value)}${lang === 'fa' ? '، ' : ', '}${time(value)}`;

/** Today's Jalali year, month and day in Tehran, as numbers. */
export function jalaliToday(now = new Date()) {
  const parts = Object.fromEntries(jalaliParts.formatToParts(now).map((part) => [part.type, parseInt(part.value, 10)]));
  return { year: parts.year, month: parts.month, day: parts.day };
}

const monthNames = (() => {
  const format = new Intl.DateTimeFormat(jalali, { timeZone: 'UTC', month: 'long' });
  // The middle of each Jalali month, counted from 5 April 2026 = 16 Farvardin 1405.
  return Array.from({ length: 12 }, (_, index) => format.format(Date.UTC(2026, 3, 5) + index * 30.5 * 864e5));
})();

export const monthName = (month) => monthNames[month - 1];

/** `1405-08-30` as people write it. */
export function jalaliDay(day, { short = false } = {}) {
  const [year, month, dayOfMonth] = day.split('-').map(Number);
  const text = `${digits(String(dayOfMonth))} ${monthName(month)}`;
  return short ? text : `${text} ${digits(String(year))}`;
}

/** Number of the Tehran day, to count whole days between instants. */
const dayNumber = (value) => Math.round(Date.parse(`${dayFormat.format(new Date(value))}T00:00:00Z`) / 864e5);
export const daysUntil = (value, now = Date.now()) => dayNumber(value) - dayNumber(now);

/** "3 minutes ago"; `null` is never. */
export function ago(value, now = Date.now()) {
  if (!value) return t('time.never');
  const seconds = Math.round((Date.parse(value) - now) / 1000);
  if (Math.abs(seconds) < 20) return t('time.now');
  if (Math.abs(seconds) < 5400) return relativeFormat.format(Math.round(seconds / 60) || -1, 'minute');
  if (Math.abs(seconds) < 129600) return relativeFormat.format(Math.round(seconds / 3600), 'hour');
  return relativeFormat.format(Math.round(seconds / 86400), 'day');
}

/** Digits as the page's language writes them. */
export const digits = (text) =>
  lang === 'fa' ? String(text).replace(/[0-9]/g, (digit) => '۰۱۲۳۴۵۶۷۸۹'[digit]) : String(text);

/** Persian and Arabic-Indic digits as Latin ones. */
export const latin = (text) => String(text)
  .replace(/[۰-۹]/g, (digit) => String(digit.charCodeAt(0) - 0x6f0))
  .replace(/[٠-٩]/g, (digit) => String(digit.charCodeAt(0) - 0x660));

/** For searching: one form of each letter, no joiners, marks or digits of another script. */
export const fold = (text) => latin(text).toLowerCase()
  .replace(/[يى]/g, 'ی').replace(/ك/g, 'ک').replace(/[أإآ]/g, 'ا').replace(/ة/g, 'ه').replace(/ؤ/g, 'و')
  .replace(/[\u064b-\u065f\u0670\u0640]/g, '').replace(/[\u200c\u200d\s]+/g, ' ').trim();

/** `0312345678901` as `03-12345-67890-1`. */
export const groupedCode = (code) =>
  /^\d{13}$/.test(code) ? `${code.slice(0, 2)}-${code.slice(2, 7)}-${code.slice(7, 12)}-${code.slice(12)}` : code;

// DOM

const svgNames = new Set(['svg', 'path', 'line', 'rect', 'circle', 'g', 'text', 'title', 'polyline']);

/**
 * An element: `h('p.note', { id: 'a', onclick }, 'text', child, [more])`. Null and false children are left out;
 * strings become text nodes. `html` has no meaning here on purpose.
 */
export function h(name, properties, ...children) {
  const [tag, ...classes] = name.split('.');
  const svg = svgNames.has(tag) && !(tag === 'title');
  const element = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  if (classes.length) element.setAttribute('class', classes.join(' '));
  const isBag = properties && Object.getPrototypeOf(properties) === Object.prototype;
  for (const [key, value] of Object.entries(isBag ? properties : {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key === 'class') element.setAttribute('class', [...classes, value].join(' '));
    else if (key === 'value' || key === 'checked' || key === 'selected') element[key] = value;
    else element.setAttribute(key, value === true ? '' : value);
  }
  append(element, isBag ? children : [properties, ...children]);
  return element;
}

export function append(element, children) {
  for (const child of [children].flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child);
  }
  return element;
}

export const replace = (element, ...children) => {
  element.replaceChildren();
  return append(element, children);
};

let nextID = 0;
export const freshID = (prefix = 'x') => `${prefix}-${++nextID}`;

/** A span whose direction does not disturb its neighbours; for names, codes and free text. */
export const bdi = (text, name = 'bdi') => h(name, { dir: 'auto' }, text);

export const codeText = (code, className = 'code') => h(`bdi.${className}`, { dir: 'ltr' }, digits(groupedCode(code)));

export const when = (value) =>
  (value ? h('time', { datetime: value, title: `${date(value)} ${clock(value)}` }, dateTime(value)) : t('app.none'));

const icons = {
  star: 'M8 1l2.1 2.9L13 3l-.9 2.9L15 8l-2.9 2.1L13 13l-2.9-.9L8 15l-2.1-2.9L3 13l.9-2.9L1 8l2.9-2.1L3 3l2.9.9z',
  check: 'M2.5 8.5l3.5 3.5 7.5-8', clock: 'M8 1.5a6.5 6.5 0 100 13 6.5 6.5 0 000-13zM8 4.5V8l2.5 1.5',
  alert: 'M8 1.5l6.8 12.5H1.2zM8 6v4M8 11.6v.8', dot: 'M8 4a4 4 0 100 8 4 4 0 000-8z',
  ring: 'M8 3.5a4.5 4.5 0 100 9 4.5 4.5 0 000-9z', square: 'M3 3h10v10H3z', cross: 'M4 4l8 8M12 4l-8 8',
  half: 'M8 3a5 5 0 000 10z', inbox: 'M2 9l2-6h8l2 6v4H2zM2 9h3.5l1 1.5h3l1-1.5H14', swap: 'M2 5h10l-3-3M14 11H4l3 3',
  play: 'M4.5 3v10l8-5z', pause: 'M5 3v10M11 3v10', search: 'M7 2.5a4.5 4.5 0 100 9 4.5 4.5 0 000-9zM10.5 10.5L14 14',
  plus: 'M8 3v10M3 8h10', chat: 'M2 3h12v8H7l-3 3v-3H2z', lock: 'M4 7h8v7H4zM5.5 7V5a2.5 2.5 0 015 0v2', dash: 'M3 8h10',
};
const filled = new Set(['dot', 'half', 'play', 'star']);

/** A small picture beside words; hidden from screen readers, which read the words. */
export const icon = (name) => h(filled.has(name) ? 'svg.icon.filled' : 'svg.icon',
  { viewBox: '0 0 16 16', 'aria-hidden': 'true' }, h('path', { d: icons[name] }));

const linkIcons = { connected: 'check', connecting: 'half', silent: 'half', offline: 'dash', never: 'ring', quarantined: 'lock', refused: 'cross' };

/** A link's state by shape and word, never by colour alone. */
export function linkState(state, { wordless = false } = {}) {
  const name = String(state ?? 'unknown').split(':')[0].trim();
  const label = t(`link.${known(`link.${name}`) ? name : 'unknown'}`);
  return h('span.link', { class: `link-${name}`, title: wordless ? label : null },
    icon(linkIcons[name] ?? 'ring'), wordless ? h('span.unseen', label) : label);
}

/** Reads `key` from `data`, whether it is a list or a page of one. */
export const items = (data) => (Array.isArray(data) ? data : data?.items ?? []);

export function debounce(action, milliseconds) {
  let timer;
  return (...values) => { clearTimeout(timer); timer = setTimeout(() => action(...values), milliseconds); };
}

// What screen readers are told, and what flashes at the foot of the page.

let region;
export function announce(message, { urgent = false } = {}) {
  region ??= document.body.appendChild(h('div.toasts', { role: 'status', 'aria-live': 'polite' }));
  const toast = h('p.toast', { class: urgent ? 'urgent' : '' }, message);
  region.append(toast);
  setTimeout(() => toast.remove(), 6000);
}
