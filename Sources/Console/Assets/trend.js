// New cases and answers per day as two lines; time runs from left to right. The same numbers follow as a table.
import { t } from './language.js';
import { number } from './text.js';
import { jalaliDay } from './dates.js';
import { h } from './dom.js';

const width = 600;
const height = 170;
const inset = { top: 10, bottom: 8, left: 4, right: 4 };

const counts = (registered, answered) =>
  `${t('status.registered')} ${number(registered)}، ${t('count.answered')} ${number(answered)}`;

/** The drawing; `top` is the value at its upper edge. */
function drawing(points, top) {
  const share = (index) => (points.length > 1 ? index / (points.length - 1) : 0.5);
  const x = (index) => inset.left + share(index) * (width - inset.left - inset.right);
  const y = (value) => inset.top + (1 - value / top) * (height - inset.top - inset.bottom);
  const place = (key) => (point, index) => `${index ? 'L' : 'M'}${x(index).toFixed(1)} ${y(point[key]).toFixed(1)}`;
  const line = (key) => points.map(place(key)).join('');
  const total = (key) => points.reduce((sum, point) => sum + point[key], 0);
  const summary = `${t('dash.trend')}: ${counts(total('registered'), total('answered'))}`;
  const step = width / points.length;
  const below = `L${x(points.length - 1).toFixed(1)} ${y(0)}L${x(0).toFixed(1)} ${y(0)}Z`;
  return h('svg.trend',
    { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': summary, preserveAspectRatio: 'none' },
    [0, 0.5, 1].map((part) => h('line.grid', { x1: 0, x2: width, y1: y(top * part), y2: y(top * part) })),
    h('path.area', { d: line('registered') + below }),
    h('path.registered', { d: line('registered') }),
    h('path.answered', { d: line('answered') }),
    points.map((point, index) => h('rect.hit', { x: x(index) - step / 2, y: 0, width: step, height },
      h('title', `${jalaliDay(point.day)} — ${counts(point.registered, point.answered)}`))));
}

function table(points) {
  const heads = h('tr', h('th', { scope: 'col' }, t('dash.day')), h('th.num', { scope: 'col' }, t('status.registered')),
    h('th.num', { scope: 'col' }, t('count.answered')));
  const row = (point) => h('tr', h('th', { scope: 'row' }, jalaliDay(point.day)),
    h('td.num', number(point.registered)), h('td.num', number(point.answered)));
  return h('details', h('summary.small', t('dash.trendTable')),
    h('div.scroll.short', { tabindex: 0 }, h('table', h('thead', heads), h('tbody', [...points].reverse().map(row)))));
}

export function trendChart(points) {
  if (!points.length) return h('p.empty', t('app.none'));
  const greatest = Math.max(1, ...points.flatMap((point) => [point.registered, point.answered]));
  const unit = 10 ** Math.floor(Math.log10(greatest));
  const top = Math.ceil(greatest / unit * 2) / 2 * unit;
  const last = points.at(-1);
  const key = (name, label, value) => h('span.swatch', h('i', { class: name }), label, ' ', h('strong', number(value)));
  const day = (point) => h('span', { dir: 'auto' }, jalaliDay(point.day, { short: true }));
  return h('div.trend-box',
    h('p.legend.small', key('registered', t('status.registered'), last.registered),
      key('answered', t('count.answered'), last.answered)),
    h('div.plot', { dir: 'ltr' }, h('div.axis', [1, 0.5, 0].map((part) => h('span', number(top * part)))),
      drawing(points, top)),
    h('p.ends.small.muted', { dir: 'ltr' }, day(points[0]), day(last)),
    table(points));
}
