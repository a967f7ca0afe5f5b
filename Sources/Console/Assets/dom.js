// The few ways in which every page builds its DOM. Nothing is ever parsed as HTML.
import { t, known } from './language.js';
import { digits, groupedCode } from './text.js';
import { date, dateTime, clock } from './dates.js';

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

export const codeText = (code, className = 'code') => h(
  `bdi.${className}`,
  { dir: 'ltr' },
  digits(groupedCode(code))
);

export const when = (value) =>
  (value ? h(
    'time',
    { datetime: value, title: `${date(value)} ${clock(value)}` },
    dateTime(value)
  ) : t('app.none'));

const icons = {
  star: 'M8 1l2.1 2.9L13 3l-.9 2.9L15 8l-2.9 2.1L13 13l-2.9-.9L8 15l-2.1-2.9L3 13l.9-2.9L1 8l2.9-2.1L3 3l2.9.9z',
  check: 'M2.5 8.5l3.5 3.5 7.5-8', clock: 'M8 1.5a6.5 6.5 0 100 13 6.5 6.5 0 000-13zM8 4.5V8l2.5 1.5',
  alert: 'M8 1.5l6.8 12.5H1.2zM8 6v4M8 11.6v.8', dot: 'M8 4a4 4 0 100 8 4 4 0 000-8z',
  ring: 'M8 3.5a4.5 4.5 0 100 9 4.5 4.5 0 000-9z', square: 'M3 3h10v10H3z', cross: 'M4 4l8 8M12 4l-8 8',
  half: 'M8 3a5 5 0 000 10z', inbox: 'M2 9l2-6h8l2 6v4H2zM2 9h3.5l1 1.5h3l1-1.5H14', swap: 'M2 5h10l-3-3M14 11H4l3 3',
  play: 'M4.5 3v10l8-5z', pause: 'M5 3v10M11 3v10', search: 'M7 2.5a4.5 4.5 0 100 9 4.5 4.5 0 000-9zM10.5 10.5L14 14',
  plus: 'M8 3v10M3 8h10', chat: 'M2 3h12v8H7l-3 3v-3H2z', lock: 'M4 7h8v7H4zM5.5 7V5a2.5 2.5 0 015 0v2',
  dash: 'M3 8h10',
};
const filled = new Set(['dot', 'half', 'play', 'star']);

/** A small picture beside words; hidden from screen readers, which read the words. */
export const icon = (name) => h(filled.has(name) ? 'svg.icon.filled' : 'svg.icon',
  { viewBox: '0 0 16 16', 'aria-hidden': 'true' }, h('path', { d: icons[name] }));

const linkIcons = {
  connected: 'check',
  connecting: 'half',
  silent: 'half',
  offline: 'dash',
  never: 'ring',
  quarantined: 'lock',
  refused: 'cross',
};

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
