// New cases and answers per day as two lines; time runs from left to right. The same numbers follow as a table.
import { h, t, number, jalaliDay } from './common.js';

const width = 600;
const height = 170;
const inset = { top: 10, bottom: 8, left: 4, right: 4 };

export function trendChart(points) {
  if (!points.length) return h('p.empty', t('app.none'));
  const greatest = Math.max(1, ...points.flatMap((point) => [point.registered, point.answered]));
  const unit = 10 ** Math.floor(Math.log10(greatest));
  const top = Math.ceil(greatest / unit * 2) / 2 * unit;
  const x = (index) => inset.left + (points.length > 1 ? index / (points.length - 1) : 0.5) * (width - inset.left - inset.right);
  const y = (value) => inset.top + (1 - value / top) * (height - inset.top - inset.bottom);
  const line = (key) => points.map((point, index) => `${index ? 'L' : 'M'}${x(index).toFixed(1)} ${y(point[key]).toFixed(1)}`).join('');
  const base = y(0);
  const last = points.at(-1);
  const total = (key) => points.reduce((sum, point) => sum + point[key], 0);
  const summary = `${t('dash.trend')}: ${t('dash.trendNew')} ${number(total('registered'))}، ${t('dash.trendAnswered')} ${number(total('answered'))}`;
  const chart = h('svg.trend', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': summary, preserveAspectRatio: 'none' },
    [0, 0.5, 1].map((part) => h('line.grid', { x1: 0, x2: width, y1: y(top * part), y2: y(top * part) })),
    h('path.area', { d: `${line('registered')}L${x(points.length - 1).toFixed(1)} ${base}L${x(0).toFixed(1)} ${base}Z` }),
    h('path.registered', { d: line('registered') }), h('path.answered', { d: line('answered') }),
    points.map((point, index) => h('rect.hit', { x: x(index) - width / points.length / 2, y: 0, width: width / points.length, height },
      h('title', `${jalaliDay(point.day)} — ${t('dash.trendNew')} ${number(point.registered)}، ${t('dash.trendAnswered')} ${number(point.answered)}`))));
  const key = (name, label, value) => h('span.swatch', h('i', { class: name }), label, ' ', h('strong', number(value)));
  return h('div.trend-box', h('p.legend.small', key('registered', t('dash.trendNew'), last.registered), key('answered', t('dash.trendAnswered'), last.answered)),
    h('div.plot', { dir: 'ltr' }, h('div.axis', [1, 0.5, 0].map((part) => h('span', number(top * part)))), chart),
    h('p.ends.small.muted', { dir: 'ltr' }, h('span', { dir: 'auto' }, jalaliDay(points[0].day, { short: true })), h('span', { dir: 'auto' }, jalaliDay(last.day, { short: true }))),
    h('details', h('summary.small', t('dash.trendTable')), h('div.scroll.short', { tabindex: 0 }, h('table',
      h('thead', h('tr', h('th', { scope: 'col' }, t('dash.day')), h('th.num', { scope: 'col' }, t('dash.trendNew')), h('th.num', { scope: 'col' }, t('dash.trendAnswered')))),
      h('tbody', [...points].reverse().map((point) => h('tr', h('th', { scope: 'row' }, jalaliDay(point.day)), h('td.num', number(point.registered)), h('td.num', number(point.answered)))))))));
}
