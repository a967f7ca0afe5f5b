// The provinces for whoever looks after the network: what waits for a person, since when, and what to do about it.
import { lang, t, term } from './language.js';
import { number } from './text.js';
import { ago } from './dates.js';
import { announce, bdi, h, icon, items, linkState, replace, when } from './dom.js';
import { api, get, session } from './api.js';
import { store } from './drafts.js';
import { problemView } from './forms.js';
import { provinceName } from './directory.js';
import { linkTo, openDialog } from './shell.js';
import { provincePanel } from './dashboard.js';
import { alarmList } from './alarms.js';

const hour = 36e5;
const older = (instant, limit) => Boolean(instant) && Date.now() - Date.parse(instant) > limit;
const units = [['day', 864e5], ['hour', hour], ['minute', 6e4], ['second', 1000]];

/** A length of time in the largest unit of which there are two. */
function length(milliseconds) {
  const [unit, size] = units.find(([, one]) => Math.abs(milliseconds) >= 2 * one) ?? units[3];
  return new Intl.NumberFormat(
    lang === 'fa' ? 'fa-IR' : 'en-GB',
    { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 0 }
  ).format(Math.abs(milliseconds / size));
}

/** What may be wrong with a province, the gravest first. `since` and `why` may be missing. */
const troubles = [
  {
    name: 'quarantine',
    grave: true,
    icon: 'lock',
    is: (one) => Boolean(one.quarantine),
    since: (one) => one.quarantine.since,
    why: (one) => [
      one.quarantine.reason && [term('alarm', one.quarantine.reason.code), ': ', bdi(one.quarantine.reason.detail)],
      one.quarantine.held > 0 && t('todo.held', { n: number(one.quarantine.held) }),
    ],
  },
  { name: 'awaited', grave: true, icon: 'clock', is: (one) => one.awaited },
  { name: 'clock', icon: 'clock', is: (one) => Math.abs(one.clock_offset_ms) > 6e4,
    why: (one) => [t(
      one.clock_offset_ms > 0 ? 'todo.clockAhead' : 'todo.clockBehind',
      { n: length(one.clock_offset_ms) }
    )] },
  { name: 'branches', icon: 'swap', is: (one) => one.branches.length > 0,
    why: (one) => [t('todo.chains', { n: number(one.branches.length) }), ...one.branches.map(chainText)] },
  {
    name: 'parked',
    icon: 'pause',
    is: (one) => one.parked > 0,
    why: (one) => [t('todo.cases', { n: number(one.parked) })],
  },
  {
    name: 'silent',
    icon: 'half',
    is: (one) => one.state === 'silent' && older(one.last_heard, 24 * hour),
    since: (one) => one.last_heard,
    why: (one) => [one.backlog > 0 && t('todo.backlog', { n: number(one.backlog) })],
  },
  {
    name: 'undelivered',
    icon: 'inbox',
    is: (one) => one.state === 'connected' && older(one.oldest_undelivered_at, hour),
    since: (one) => one.oldest_undelivered_at,
    why: (one) => [t('todo.rows', { n: number(one.undelivered) })],
  },
];

// An incarnation is hexadecimal: its digits stay Latin.
const chainText = (chain) => h(
  'span.chain',
  h('bdi.code.small', { dir: 'ltr' }, chain.incarnation),
  ' ',
  t('todo.seqs', { first: number(chain.first), last: number(chain.last) })
);

function troubleCard(one, trouble, reload) {
  const since = trouble.since?.(one);
  const why = (trouble.why?.(one) ?? []).filter(Boolean);
  const release = trouble.name === 'quarantine' && session.doors.includes('release')
    && h('button.primary', { type: 'button', onclick: () => releaseDialog(one, reload) }, t('todo.release'));
  const proposals = trouble.name === 'branches' && h('a.button', { href: linkTo('proposals') }, t('nav.proposals'));
  return h('li.todo', { class: trouble.grave ? 'grave' : '', 'data-code': one.code },
    h('h3', icon(trouble.icon), provinceName(one.code), ': ', t(trouble.word ?? `todo.${trouble.name}`)),
    since && h('p.small.muted', t('todo.since', { time: ago(since) }), ' · ', when(since)),
    why.length > 0 && h('ul.why', why.map((line) => h('li', line))),
    h('p', t(`todo.${trouble.name}.do`)), (release || proposals) && h('div.buttons', release, proposals));
}

function releaseDialog(one, reload) {
  const candidates = one.quarantine.candidates;
  const status = h('div', { role: 'status' });
  const end = h('button.primary.danger', { type: 'submit' }, t('todo.releaseNow'));
  const form = h('form', h('p', t('todo.releaseHelp', { name: provinceName(one.code) })),
    candidates.length > 0 && h('fieldset.radios', h('legend', t('todo.keep')),
      candidates.map((chain) => h(
        'label.choice',
        h('input', { type: 'radio', name: 'keep', value: chain.incarnation, required: true }),
        chainText(chain)
      ))),
    h(
      'label.choice',
      h('input', { type: 'checkbox', name: 'sure', required: true }),
      h('span', t('todo.sure'))
    ), status,
    h('div.buttons', end, h('button', { type: 'button', onclick: () => dialog.close() }, t('app.cancel'))));
  const dialog = openDialog(t('todo.release'), form);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    end.disabled = true;
    try {
      const keep = new FormData(form).get('keep');
      await api('POST', `/provinces/${one.code}/release`, { body: { keep } });
      dialog.close();
      announce(t('todo.released', { name: provinceName(one.code) }));
      reload();
    } catch (error) {
      replace(status, problemView(error));
    } finally { end.disabled = false; }
  });
}

function todoList(reload) {
  const list = h('ol.todos', { role: 'list' });
  const summary = h('p');
  const element = h('section.card.todo-card', h('h2', t('todo.title')), summary, list);
  const update = (provinces) => {
    if (list.contains(document.activeElement)) return; // Somebody is about to press a button.
    const found = troubles.flatMap((trouble) => provinces.filter(trouble.is).map((one) => [one, trouble]));
    element.classList.toggle('calm', !found.length);
    replace(summary, found.length ? t('todo.count', { n: number(found.length) }) : [icon('check'), t('todo.none')]);
    replace(list, found.map(([one, trouble]) => troubleCard(one, trouble, reload)));
  };
  return { element, update };
}

// The table: name, value to sort by, cell.
const clockCell = (one) => {
  if (!one.last_heard) return t('app.none');
  if (Math.abs(one.clock_offset_ms) < 1000) return t('prov.clockRight');
  return h(
    'span',
    { class: Math.abs(one.clock_offset_ms) > 6e4 ? 'bad' : '' },
    t(one.clock_offset_ms > 0 ? 'prov.ahead' : 'prov.behind', { n: length(one.clock_offset_ms) })
  );
};
const countCell = (name) => (one) => h('span', { class: one[name] > 0 ? 'bad' : '' }, number(one[name]));
const order = { quarantined: 0, never: 1, silent: 2, connected: 3 };
const columns = [
  ['state', (one) => order[one.state] ?? 1, (one) => linkState(one.state)],
  [
    'lastHeard',
    (one) => -Date.parse(one.last_heard ?? 0),
    (one) => (one.last_heard ? h(
      'time',
      { datetime: one.last_heard, title: one.last_heard },
      ago(one.last_heard)
    ) : t('time.never')),
  ],
  [
    'backlog',
    (one) => -(one.backlog ?? -1),
    (one) => (one.backlog === null ? t('dash.noBacklog') : number(one.backlog)),
  ],
  [
    'undelivered',
    (one) => -one.undelivered,
    (one) => [
      number(one.undelivered),
      one.oldest_undelivered_at && h('span.small.muted', ' ', ago(one.oldest_undelivered_at)),
    ],
  ],
  ['clock', (one) => -Math.abs(one.clock_offset_ms), clockCell],
  [
    'branches',
    (one) => -one.branches.length,
    (one) => h('span', { class: one.branches.length ? 'bad' : '' }, number(one.branches.length)),
  ],
  ['parked', (one) => -one.parked, countCell('parked')],
  ['proposals', (one) => -one.proposals, (one) => number(one.proposals)],
  ['conflicts', (one) => -one.conflicts, (one) => number(one.conflicts)],
  ['open', (one) => -one.open, (one) => number(one.open)],
  ['overdue', (one) => -one.overdue, (one) => number(one.overdue)],
  [
    'alarm',
    (one) => -Date.parse(one.newest_alarm?.at ?? 0),
    (one) => one.newest_alarm && [
      term('alarm', one.newest_alarm.code),
      h('span.small.muted', ' ', ago(one.newest_alarm.at)),
    ],
  ],
];
const wordy = new Set(['state', 'lastHeard', 'clock', 'alarm']);
const headings = {
  open: 'count.open', overdue: 'count.overdue', conflicts: 'count.conflicts', state: 'dash.state',
  lastHeard: 'dash.lastHeard', backlog: 'dash.backlog',
};
const heading = (name) => t(headings[name] ?? `prov.${name}`);

function statusTable(open) {
  const kept = store.read('provinces') ?? { by: 'state', up: false };
  const body = h('tbody');
  let rows = [];
  const sort = (name) => {
    kept.up = kept.by === name && !kept.up;
    kept.by = name;
    store.write('provinces', kept);
    draw();
  };
  const heads = columns.map(([name]) => h(
    'th',
    { scope: 'col', class: wordy.has(name) ? '' : 'num' },
    h('button.plain', { type: 'button', onclick: () => sort(name) }, heading(name))
  ));
  const draw = () => {
    const read = (columns.find(([name]) => name === kept.by) ?? columns[0])[1];
    const sorted = [...rows].sort((a, b) => (
      read(a) - read(b)
    ) * (kept.up ? -1 : 1) || a.code.localeCompare(b.code));
    heads.forEach((head, index) => head.setAttribute(
      'aria-sort',
      columns[index][0] === kept.by ? (kept.up ? 'ascending' : 'descending') : 'none'
    ));
    replace(body, sorted.map((one) => h('tr', { class: `row-${one.state}` },
      h(
        'th',
        { scope: 'row' },
        h('button.plain.name', { type: 'button', onclick: () => open(one.code) }, provinceName(one.code))
      ),
      columns.map(([name, , cell]) => h('td', { class: wordy.has(name) ? 'word' : 'num' }, cell(one))))));
  };
  const update = (list) => { rows = list; if (!body.contains(document.activeElement)) draw(); };
  const table = h(
    'table.links.provinces',
    h('thead', h('tr', h('th', { scope: 'col' }, t('dash.province')), heads)),
    body
  );
  return {
    element: h(
      'section.card',
      h('h2', t('prov.all')),
      h('div.scroll', { tabindex: 0, role: 'region', 'aria-label': t('prov.all') }, table)
    ),
    update,
  };
}

export async function provincesView({ body, signal, reload }) {
  const state = { provinces: new Map() };
  const todo = todoList(reload);
  const table = statusTable((code) => provincePanel(code, state));
  const alarms = alarmList(signal);
  const load = async () => {
    const list = items(await get('/provinces', { signal }));
    state.provinces = new Map(list.map((one) => [one.code, one]));
    todo.update(list);
    table.update(list);
  };
  await load();
  replace(body, h('h1', t('nav.provinces')), h('div.provinces-grid', todo.element, table.element,
    h('section.card.alarms-card', h('h2', t('nav.alarms')), alarms.element)));
  const timer = setInterval(() => { if (!document.hidden) load().catch(() => {}); }, 30000);
  signal.addEventListener('abort', () => clearInterval(timer));
  if (session.doors.includes('alarms')) await alarms.start();
}
