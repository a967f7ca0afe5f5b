// The national dashboard: where the country's cases stand, live.
import { t, term } from './language.js';
import { number, percent } from './text.js';
import { ago, clock, dateTime } from './dates.js';
import { codeText, h, icon, items, linkState, replace, when } from './dom.js';
import { get } from './api.js';
import { store } from './drafts.js';
import { problemView } from './forms.js';
import { provinceName, organizationName } from './directory.js';
import { linkTo, openDialog, shortcut } from './shell.js';
import { deadline } from './cases.js';
import { openFeed } from './feed.js';
import { tileMap, measures } from './map.js';
import { trendChart } from './trend.js';

const headline = ['open', 'overdue', 'new_today', 'answered', 'disputed', 'conflicts', 'registered'];
const links = {
  open: {},
  overdue: { overdue: 'true' },
  answered: { status: 'answered' },
  disputed: { status: 'disputed' },
};

function counters() {
  const values = new Map();
  const element = h('section.counts', { 'aria-label': t('dash.counts') }, headline.map((name) => {
    const value = h('span.value', t('app.none'));
    const note = h('span.note.small');
    values.set(name, { value, note });
    const inside = [value, h('span.label', t(`count.${name}`)), note];
    const target = name === 'conflicts' ? linkTo('conflicts') : links[name] && linkTo('cases', '', links[name]);
    return target ? h('a.count', { class: name, href: target }, inside) : h('div.count', { class: name }, inside);
  }));
  const update = (overview) => {
    for (const [name, { value, note }] of values) {
      const text = number(overview[name]);
      if (value.textContent !== text) value.textContent = text;
      if (name === 'overdue') note.textContent = t(
        'dash.share',
        { n: percent(overview.open ? overview.overdue / overview.open : 0) }
      );
    }
  };
  return { element, update };
}

/** How fresh the figures are, always in sight; a cut stream is said in words. */
function freshness() {
  const sign = h('span.live');
  const asOf = h('span.small.muted');
  const banner = h('p.banner.cut', { role: 'alert', hidden: true });
  const update = (state) => {
    sign.className = `live ${state.connected ? 'on' : state.cutSince ? 'off' : ''}`;
    replace(
      sign,
      icon(state.connected ? 'dot' : 'alert'),
      t(state.connected ? 'dash.live' : state.cutSince ? 'dash.cutShort' : 'dash.connecting')
    );
    if (state.overview) replace(
      asOf,
      t('app.asOf', { time: `${dateTime(state.overview.as_of)}` }),
      ' · ',
      t('app.position', { n: number(state.overview.position) })
    );
    banner.hidden = state.connected || !state.cutSince;
    if (!banner.hidden) {
      const words = t('dash.cut', { time: clock(state.cutSince) });
      if (banner.dataset.words !== words) { banner.dataset.words = words; replace(banner, icon('alert'), words); }
    }
  };
  return { sign: h('p.freshness', sign, ' ', asOf), banner, update };
}

/** The stream of events, newest on top, held while somebody reads. */
function stream() {
  const list = h('ol.stream', { role: 'list', tabindex: 0, 'aria-label': t('dash.stream') });
  const note = h('p.small.muted', { role: 'status' }, t('dash.streamEmpty'));
  const limit = 60;
  let paused = false;
  let waiting = [];
  let missed = 0;
  let scheduled = false;
  const button = h('button.plain.small', { type: 'button', 'aria-pressed': 'false', onclick: () => toggle() });
  const row = (change) => h('li', { class: `t-${String(change.type).replace('.', '-')}` },
    h('time.small.muted', { datetime: change.at, title: dateTime(change.at) }, clock(change.at)),
    h('a', { href: linkTo('case', change.case_id) }, h('strong', term('event', change.type))),
    h(
      'span.small',
      provinceName(change.home),
      change.holder && change.holder !== change.home ? [t('dash.arrow'), organizationName(change.holder)] : ''
    ),
    change.tracking_code ? codeText(change.tracking_code, 'code small muted') : null);
  const flush = () => {
    scheduled = false;
    if (paused || !waiting.length) return;
    list.prepend(...waiting.slice(-limit).reverse().map(row));
    waiting = [];
    while (list.children.length > limit) list.lastChild.remove();
    replace(note);
  };
  const label = () => replace(button, icon(paused ? 'play' : 'pause'), t(paused ? 'dash.resume' : 'dash.pause'));
  const toggle = () => {
    paused = !paused;
    button.setAttribute('aria-pressed', String(paused));
    missed = 0;
    replace(note);
    label();
    if (!paused) flush();
  };
  label();
  const add = (change) => {
    waiting.push(change);
    if (waiting.length > limit) waiting.shift();
    if (paused) { missed += 1; replace(note, t('dash.paused', { n: number(missed) })); return; }
    if (!scheduled) { scheduled = true; setTimeout(flush, 400); }
  };
  return {
    element: h('section.card.stream-card', h('div.card-head', h('h2', t('dash.stream')), button), note, list),
    add,
    toggle,
  };
}

const linkColumns = [
  ['province', (one) => provinceName(one.code)], ['state', (one) => one.state],
  ['lastHeard', (one) => Date.parse(one.last_heard ?? 0)], ['backlog', (one) => one.backlog ?? -1],
];
const stateOrder = { quarantined: 0, never: 1, silent: 2, connected: 3 };
const isNumeric = (name) => name === 'backlog';

function linkRow(one, open) {
  const heard = one.last_heard
    ? h('time', { datetime: one.last_heard, title: dateTime(one.last_heard) }, ago(one.last_heard)) : t('time.never');
  const name = h('button.plain.name', { type: 'button', onclick: () => open(one.code) }, provinceName(one.code));
  return h('tr', { class: `row-${one.state}` }, h('th', { scope: 'row' }, name), h('td', linkState(one.state)),
    h('td.small', heard), h('td.num', one.backlog === null ? t('dash.noBacklog') : number(one.backlog)));
}

/** Rows in the order kept: by a column, then by backlog and code. */
function sortedLinks(rows, { by, down }) {
  const column = linkColumns.find(([name]) => name === by) ?? linkColumns[0];
  const read = by === 'state' ? (one) => stateOrder[one.state] ?? 1 : column[1];
  const compare = (a, b) => (typeof a === 'string' ? a.localeCompare(b, 'fa') : a - b);
  return [...rows].sort((a, b) => compare(read(a), read(b)) * (down ? -1 : 1)
    || (b.backlog ?? 0) - (a.backlog ?? 0) || a.code.localeCompare(b.code));
}

/** Every province's link, sortable; the worst link first until somebody sorts. */
function linkTable(open) {
  const kept = store.read('links') ?? { by: 'state', down: false };
  const body = h('tbody');
  const summary = h('p.small');
  let rows = [];
  const sort = (name) => {
    kept.down = kept.by === name ? !kept.down : isNumeric(name);
    kept.by = name;
    store.write('links', kept);
    draw();
  };
  const heads = linkColumns.map(([name]) => h('th', { scope: 'col', class: isNumeric(name) ? 'num' : '' },
    h('button.plain', { type: 'button', onclick: () => sort(name) }, t(`dash.${name}`))));
  const direction = (name) => (kept.by !== name ? 'none' : kept.down ? 'descending' : 'ascending');
  const draw = () => {
    heads.forEach((head, index) => head.setAttribute('aria-sort', direction(linkColumns[index][0])));
    replace(body, sortedLinks(rows, kept).map((one) => linkRow(one, open)));
    const unheard = rows.filter((one) => one.state !== 'connected').length;
    replace(summary, unheard ? [icon('alert'), t('dash.unheard', { n: number(unheard) })]
      : rows.length > 0 && [icon('check'), t('dash.allHeard')]);
  };
  const update = (list) => { rows = list; if (!body.contains(document.activeElement)) draw(); };
  const table = h('table.links', h('thead', h('tr', heads)), body);
  return {
    element: h('section.card.links-card', h('h2', t('dash.links')), summary,
      h('div.scroll', { tabindex: 0, role: 'region', 'aria-label': t('dash.links') }, table)),
    update,
  };
}

function ranking(open) {
  const bars = h('ol.bars', { role: 'list' });
  const longest = h('ol.longest', { role: 'list' });
  const update = (list) => {
    const top = [...list].filter(
      (one) => one.overdue > 0
    ).sort((a, b) => b.overdue - a.overdue || a.code.localeCompare(b.code)).slice(0, 10);
    if (bars.contains(document.activeElement)) return;
    replace(bars, top.map((one) => {
      const bar = h('i.bar-fill');
      bar.style.inlineSize = `${one.overdue / top[0].overdue * 100}%`;
      return h(
        'li',
        h('button.plain.name', { type: 'button', onclick: () => open(one.code) }, provinceName(one.code)),
        h('span.bar-track', bar),
        h('span.num', number(one.overdue))
      );
    }), !top.length && h('li.empty', t('dash.noOverdue')));
  };
  const updateLongest = (cases) => replace(
    longest,
    cases.map((one) => h(
      'li',
      h('a', { href: linkTo('case', one.id), 'data-row': true }, codeText(one.tracking_code)),
      deadline(one),
      h('span.small.muted', organizationName(one.holder))
    )),
    !cases.length && h('li.empty', t('dash.noOverdue'))
  );
  return {
    element: h(
      'section.card.ranking-card',
      h('h2', t('dash.ranking')),
      bars,
      h('h3', t('dash.longest')),
      longest
    ), update, updateLongest,
  };
}

/** One province, in a dialog that stays live. */
export function provincePanel(code, state) {
  const slot = h('div');
  const draw = () => {
    const one = state.provinces.get(code);
    if (!one) { replace(slot, h('p', t('app.none'))); return; }
    replace(
      slot,
      h(
        'p',
        linkState(one.state),
        ' · ',
        t('dash.lastHeard'),
        ': ',
        one.last_heard ? [ago(one.last_heard), ' (', when(one.last_heard), ')'] : t('time.never')
      ),
      h('p', t('dash.backlog'), ': ', one.backlog === null ? t('dash.noBacklog') : number(one.backlog)),
      h(
        'div.counts.small-counts',
        headline.map((name) => h(
          'div.count',
          { class: name },
          h('span.value', number(one[name])),
          h('span.label', t(`count.${name}`))
        ))
      )
    );
  };
  draw();
  const timer = setInterval(draw, 2000);
  const dialog = openDialog(provinceName(code), slot, h('div.buttons',
    h(
      'a.button',
      { href: linkTo('cases', '', { province: code }), onclick: () => dialog.close() },
      t('dash.openCases')
    ),
    h(
      'a.button',
      { href: linkTo('cases', '', { province: code, overdue: 'true' }), onclick: () => dialog.close() },
      icon('alert'),
      t('dash.overdueCases')
    )));
  dialog.addEventListener('close', () => clearInterval(timer));
}

let pauseStream = () => {};
let focusMap = () => {};
export function dashboardKeys() {
  shortcut('Space', 'key.pause', () => pauseStream(), { shown: 'Space', view: 'dashboard' });
  shortcut('KeyM', 'key.map', () => focusMap(), { view: 'dashboard' });
}

/** The trend and the longest overdue, which no event brings: asked when the view opens and every two minutes. */
function slowFigures(signal, trend, ranks) {
  const failed = (error) => {
    if (!signal.aborted && trend.querySelector('.loading')) replace(trend, problemView(error));
  };
  return async () => {
    if (document.hidden) return;
    await Promise.allSettled([
      get('/trend', { signal, query: { days: 30 } }).then((data) => replace(trend, trendChart(items(data))), failed),
      get('/overdue', { signal, query: { limit: 8 } }).then((data) => ranks.updateLongest(items(data)), () => {}),
    ]);
  };
}

export async function dashboardView({ body, signal }) {
  let state = null;
  const open = (code) => provincePanel(code, state);
  const [fresh, counts, now] = [freshness(), counters(), stream()];
  const [map, table, ranks] = [tileMap(open), linkTable(open), ranking(open)];
  const trend = h('div', h('p.loading', t('app.loading')));
  const chosen = store.read('measure') ?? 'open';
  const choose = () => { store.write('measure', measure.value); onState(state); };
  const measure = h('select', { id: 'measure', onchange: choose },
    measures.map((name) => h('option', { value: name, selected: name === chosen }, t(`count.${name}`))));
  pauseStream = now.toggle;
  focusMap = map.focus;
  const mapHead = h('div.card-head', h('h2', t('dash.map')),
    h('label.small', { for: 'measure' }, t('dash.measure'), ' ', measure));
  replace(body, h('div.dash-head', h('h1', t('dash.title')), fresh.sign), fresh.banner, counts.element,
    h('div.dash-grid', h('section.card.map-card', mapHead, map.element, h('p.unseen', t('dash.mapHelp'))),
      h('div.dash-stack', h('section.card', h('h2', t('dash.trend')), trend), ranks.element),
      table.element, now.element));

  function onState(next) {
    if (!next) return;
    fresh.update(next);
    if (!next.overview) return;
    const list = [...next.provinces.values()];
    counts.update(next.overview);
    map.update(measure.value, next.provinces);
    table.update(list);
    ranks.update(list);
  }

  const slow = slowFigures(signal, trend, ranks);
  state = openFeed({ signal, onState, onChange: now.add });
  onState(state);
  await slow();
  const timer = setInterval(slow, 120000);
  const ages = setInterval(() => state.overview && table.update([...state.provinces.values()]), 30000);
  signal.addEventListener('abort', () => { clearInterval(timer); clearInterval(ages); });
}
