// The tile map of the 31 provinces: west on the left in either language; a table of the same numbers stands below it.
import { t } from './language.js';
import { number, percent } from './text.js';
import { h, linkState, replace } from './dom.js';
import { provinces } from './directory.js';

export const measures = ['open', 'overdue', 'overdue_share', 'new_today', 'disputed', 'link'];

export function valueOf(measure, province) {
  if (!province) return null;
  if (measure === 'overdue_share') return province.open > 0 ? province.overdue / province.open : 0;
  return measure === 'link' ? province.state : province[measure];
}

export const showValue = (measure, value) =>
  (
    value === null || value === undefined ? t('app.none') : measure === 'overdue_share' ? percent(value) : number(value)
  );

/** Upper bounds of four classes, rounded so that they can be read; a fifth lies above them, zero has its own. */
export function scale(measure, values) {
  const greatest = Math.max(0, ...values.filter((value) => typeof value === 'number'));
  if (!greatest) return [];
  if (measure === 'overdue_share') return [0.05, 0.1, 0.2, 0.35];
  const sorted = values.filter((value) => value > 0).sort((a, b) => a - b);
  const round = (value) => {
    const unit = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1);
    return Math.ceil(value / unit) * unit;
  };
  return [...new Set([
    0.2,
    0.4,
    0.6,
    0.8,
  ].map((share) => round(sorted[Math.floor((sorted.length - 1) * share)] ?? 1)))];
}

const classOf = (bounds, value) => {
  if (!value) return 0;
  const index = bounds.findIndex((bound) => value <= bound);
  return index < 0 ? 5 : index + 1 + (4 - bounds.length);
};

function makeTile(province, index, open) {
  const value = h('span.tile-value');
  const state = h('span.tile-link');
  const button = h('button.tile', {
    type: 'button', dir: 'auto', tabindex: index ? -1 : 0, 'data-code': province.code,
    onclick: () => open(province.code),
  }, h('span.tile-name', { title: province.name }, province.short), value, state);
  const cell = h('li', button);
  cell.style.gridColumn = String(province.column + 1);
  cell.style.gridRow = String(province.row + 1);
  return { province, button, cell, value, state, drawn: '' };
}

/** Shows a province's value and link where they have changed, and lights up a value that moved. */
function drawTile(tile, measure, bounds, data) {
  const value = valueOf(measure, data);
  const state = data?.state ?? 'never';
  const drawn = `${measure}|${value}|${state}|${bounds}`;
  if (tile.drawn === drawn) return;
  const before = tile.drawn.split('|');
  tile.drawn = drawn;
  const isLink = measure === 'link';
  const shade = isLink ? `l-${state}` : `q${classOf(bounds, value)}`;
  tile.button.className = `tile ${shade}${isLink || state === 'connected' ? '' : ' unheard'}`;
  replace(tile.value, isLink ? t(`link.${state}`) : showValue(measure, value));
  replace(tile.state, linkState(state, { wordless: true }));
  const said = isLink ? '' : showValue(measure, value);
  tile.button.setAttribute('aria-label',
    `${tile.province.name}: ${t(`count.${measure}`)} ${said}، ${t(`link.${state}`)}`);
  if (before[0] !== measure || before[1] === String(value)) return;
  tile.button.classList.add('moved');
  setTimeout(() => tile.button.classList.remove('moved'), 1500);
}

function drawLegend(legend, measure, bounds) {
  if (measure === 'link') {
    const states = ['connected', 'silent', 'never', 'quarantined'];
    replace(legend, states.map((state) => h('span.swatch', linkState(state))));
    return;
  }
  const swatch = (name, ...words) => h('span.swatch', h('i', { class: name }), words);
  const shown = (bound) => showValue(measure, bound);
  const range = (index) => (index
    ? [h('bdi', shown(bounds[index - 1])), '–', h('bdi', shown(bounds[index]))] : `≤ ${shown(bounds[0])}`);
  replace(legend, swatch('q0', t('dash.legendNone')),
    bounds.map((_, index) => swatch(`q${index + 1 + (4 - bounds.length)}`, range(index))),
    bounds.length > 0 && swatch('q5', `> ${shown(bounds.at(-1))}`));
}

const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** The nearest tile from `here` in a direction, over a desert if need be. */
function nearest(tiles, here, [across, down]) {
  const along = (one) => (one.column - here.column) * across + (one.row - here.row) * down;
  const aside = (one) => Math.abs((one.column - here.column) * down) + Math.abs((one.row - here.row) * across);
  const distance = ({ province }) => along(province) + aside(province) * 2;
  return tiles.filter(({ province }) => along(province) > 0).sort((a, b) => distance(a) - distance(b))[0];
}

/** `open(code)` is called by click or Enter. `update(measure, byCode)` redraws what changed. */
export function tileMap(open) {
  const order = [...provinces.values()].sort((a, b) => a.row - b.row || a.column - b.column);
  const tiles = order.map((province, index) => makeTile(province, index, open));
  const byCode = new Map(tiles.map((tile) => [tile.province.code, tile]));
  const grid = h('ol.tiles', { role: 'list', dir: 'ltr' }, tiles.map(({ cell }) => cell));
  const legend = h('p.legend.small', { 'aria-hidden': 'true' });
  const focus = (tile) => {
    for (const { button } of tiles) button.tabIndex = -1;
    tile.button.tabIndex = 0;
    tile.button.focus();
  };
  grid.addEventListener('keydown', (event) => {
    const step = steps[event.key];
    const here = byCode.get(event.target.closest('button')?.dataset.code)?.province;
    if (!step || !here) return;
    event.preventDefault();
    const next = nearest(tiles, here, step);
    if (next) focus(next);
  });
  const update = (measure, data) => {
    const values = [...data.values()].map((one) => valueOf(measure, one));
    const bounds = measure === 'link' ? [] : scale(measure, values);
    for (const tile of tiles) drawTile(tile, measure, bounds, data.get(tile.province.code));
    drawLegend(legend, measure, bounds);
  };
  return {
    element: h('div.map', grid, legend), update, focus: () => focus(tiles.find(({ button }) => button.tabIndex === 0)),
  };
}
