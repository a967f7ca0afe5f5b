// The tile map of the 31 provinces: west on the left in either language; a table of the same numbers stands below it.
import { h, t, replace, number, percent, linkState } from './common.js';
import { provinces } from './directory.js';

export const measures = ['open', 'overdue', 'overdue_share', 'new_today', 'disputed', 'link'];

export function valueOf(measure, province) {
  if (!province) return null;
  if (measure === 'overdue_share') return province.open > 0 ? province.overdue / province.open : 0;
  return measure === 'link' ? province.state : province[measure];
}

export const showValue = (measure, value) =>
  (value === null || value === undefined ? t('app.none') : measure === 'overdue_share' ? percent(value) : number(value));

/** Upper bounds of four classes, rounded so that they can be read; a fifth lies above them, zero has its own. */
export function scale(measure, values) {
  const greatest = Math.max(0, ...values.filter((value) => typeof value === 'number'));
  if (!greatest) return [];
  if (measure === 'overdue_share') return [0.05, 0.1, 0.2, 0.35];
  const sorted = values.filter((value) => value > 0).sort((a, b) => a - b);
  const round = (value) => { const unit = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1); return Math.ceil(value / unit) * unit; };
  return [...new Set([0.2, 0.4, 0.6, 0.8].map((share) => round(sorted[Math.floor((sorted.length - 1) * share)] ?? 1)))];
}

const classOf = (bounds, value) => {
  if (!value) return 0;
  const index = bounds.findIndex((bound) => value <= bound);
  return index < 0 ? 5 : index + 1 + (4 - bounds.length);
};

/** `open(code)` is called by click or Enter. `update(measure, byCode)` redraws what changed. */
export function tileMap(open) {
  const tiles = new Map();
  const order = [...provinces.values()].sort((a, b) => a.row - b.row || a.column - b.column);
  const grid = h('ol.tiles', { role: 'list', dir: 'ltr' }, order.map((province, index) => {
    const value = h('span.tile-value');
    const state = h('span.tile-link');
    const button = h('button.tile', { type: 'button', dir: 'auto', tabindex: index ? -1 : 0, 'data-code': province.code, onclick: () => open(province.code) },
      h('span.tile-name', { title: province.name }, province.short), value, state);
    const cell = h('li', button);
    cell.style.gridColumn = String(province.column + 1);
    cell.style.gridRow = String(province.row + 1);
    tiles.set(province.code, { province, button, value, state, drawn: '' });
    return cell;
  }));
  const focus = (tile) => {
    for (const { button } of tiles.values()) button.tabIndex = -1;
    tile.button.tabIndex = 0;
    tile.button.focus();
  };
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  grid.addEventListener('keydown', (event) => {
    const step = steps[event.key];
    const here = tiles.get(event.target.closest('button')?.dataset.code)?.province;
    if (!step || !here) return;
    event.preventDefault();
    // The nearest tile in that direction, over a desert if need be.
    const along = (one) => (one.column - here.column) * step[0] + (one.row - here.row) * step[1];
    const aside = (one) => Math.abs((one.column - here.column) * step[1]) + Math.abs((one.row - here.row) * step[0]);
    const nearest = [...tiles.values()].filter(({ province }) => along(province) > 0)
      .sort((a, b) => along(a.province) + aside(a.province) * 2 - along(b.province) - aside(b.province) * 2)[0];
    if (nearest) focus(nearest);
  });
  const legend = h('p.legend.small', { 'aria-hidden': 'true' });

  const update = (measure, byCode) => {
    const bounds = measure === 'link' ? [] : scale(measure, [...byCode.values()].map((one) => valueOf(measure, one)));
    for (const [code, tile] of tiles) {
      const data = byCode.get(code);
      const value = valueOf(measure, data);
      const state = data?.state ?? 'never';
      const drawn = `${measure}|${value}|${state}|${bounds}`;
      if (tile.drawn === drawn) continue;
      const before = tile.drawn.split('|');
      tile.drawn = drawn;
      tile.button.className = measure === 'link' ? `tile l-${state}` : `tile q${classOf(bounds, value)}${state === 'connected' ? '' : ' unheard'}`;
      replace(tile.value, measure === 'link' ? t(`link.${state}`) : showValue(measure, value));
      replace(tile.state, linkState(state, { wordless: true }));
      tile.button.setAttribute('aria-label', `${tile.province.name}: ${t(`count.${measure}`)} ${measure === 'link' ? '' : showValue(measure, value)}، ${t(`link.${state}`)}`);
      if (before[0] === measure && before[1] !== String(value)) {
        tile.button.classList.add('moved');
        setTimeout(() => tile.button.classList.remove('moved'), 1500);
      }
    }
    const swatch = (name, ...words) => h('span.swatch', h('i', { class: name }), words);
    if (measure === 'link') {
      replace(legend, ['connected', 'silent', 'never', 'quarantined'].map((state) => h('span.swatch', linkState(state))));
    } else {
      const low = (index) => (index ? bounds[index - 1] : null);
      replace(legend, swatch('q0', t('dash.legendNone')), bounds.map((bound, index) =>
        swatch(`q${index + 1 + (4 - bounds.length)}`, low(index) === null ? `≤ ${showValue(measure, bound)}` : [h('bdi', showValue(measure, low(index))), '–', h('bdi', showValue(measure, bound))])),
      bounds.length > 0 && swatch('q5', `> ${showValue(measure, bounds.at(-1))}`));
    }
  };
  return { element: h('div.map', grid, legend), update, focus: () => focus([...tiles.values()].find((tile) => tile.button.tabIndex === 0)) };
}
