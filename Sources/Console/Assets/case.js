// One case: what it says, where it stands, what may be done, and everything that ever happened to it.
import { t, term } from './language.js';
import { number } from './text.js';
import { clock, date } from './dates.js';
import { announce, append, bdi, codeText, h, icon, items, replace, when } from './dom.js';
import { get, session } from './api.js';
import { problemView, copy } from './forms.js';
import { provinceName, organizationName, categoryName } from './directory.js';
import { statusBadge, deadline } from './cases.js';
import { actionBar, offered } from './actions.js';
import { historyView } from './history.js';
import { attachmentsView } from './attachments.js';
import { conflictCards, proposalCards } from './registers.js';

function facts(pairs) {
  return h('dl.facts', pairs.filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([label, value]) => h('div', h('dt', label), h('dd', value))));
}

function banners(one) {
  const seat = one.seat === 'hub' ? t('app.hub') : provinceName(one.seat);
  const line = (name, mark, ...words) => h('p.banner', { class: name }, icon(mark), h('span', words));
  return [
    one.parked && line('warn', 'lock', t('case.parked')),
    one.overdue && line('late', 'alert', h('strong', t('case.overdueBanner')), ' ', deadline(one)),
    one.pending_transfer && line(
      'info',
      'swap',
      t('case.pending', { to: organizationName(one.pending_transfer), seat })
    ),
    one.seat !== session.server.code && line('info', 'lock', t('case.elsewhere', { seat })),
    one.imported && line('info', 'inbox', t('case.importedNote')),
  ];
}

function head(one) {
  return h('header.case-head',
    h('div.case-marks', codeText(one.tracking_code, 'code big'),
      h('button.plain', { type: 'button', onclick: () => copy(one.tracking_code) }, t('app.copy')),
      statusBadge(one), deadline(one), one.priority && one.priority !== 'normal' && h(
        'span.badge.priority',
        icon('alert'),
        term('priority', one.priority)
      )),
    h('h1', one.subject ? bdi(one.subject, 'span') : h('span.withheld', t('list.withheld'))),
    h(
      'p.small.muted',
      `${term('kind', one.kind)} · ${categoryName(one.category)} · ${term('channel', one.channel)}`,
      one.tags?.length ? h('span.tags', one.tags.map((tag) => h('span.tag', bdi(tag)))) : null
    ));
}

function side(one) {
  const citizen = one.citizen ?? {};
  const counting = one.clock_runs;
  const shown = citizen.name || citizen.mobile || citizen.national_id || citizen.address;
  const ltr = (text) => text && h('bdi', { dir: 'ltr' }, text);
  return h('aside.case-side',
    h('section.card', h('h2', t('case.citizen')), shown
      ? facts([
        [t('field.citizen.name'), citizen.name && bdi(citizen.name)],
        [t('field.citizen.mobile'), ltr(citizen.mobile)],
        [t('field.citizen.national_id'), ltr(citizen.national_id)],
        [t('field.citizen.address'), citizen.address && bdi(citizen.address)],
      ])
      : h('p.muted', icon('lock'), t('case.withheld'))),
    h('section.card', h('h2', t('case.details')), facts([
      [t('field.holder'), organizationName(one.holder)],
      [t('field.seat'), one.seat === 'hub' ? t('app.hub') : provinceName(one.seat)],
      [t('field.home'), provinceName(one.home)],
      [t('field.registered_at'), one.registered_at && when(one.registered_at)],
      [t('field.deadline'), one.deadline && [date(one.deadline), ' ', counting && deadline(one)]],
      [
        t('field.holder_deadline'),
        one.holder_deadline && [
          date(one.holder_deadline),
          ' ',
          counting && deadline(one, one.holder_deadline, false),
        ],
      ],
      [t('field.about'), one.about && organizationName(one.about)],
    ]), h(
      'p.small.muted',
      t('case.revision', { n: number(one.revision) }),
      ' · ',
      t('app.asOf', { time: clock(Date.now()) })
    )));
}

/** The places of the view, and the view that holds them. */
function frame() {
  const names = ['head', 'banners', 'actions', 'text', 'conflicts', 'proposals', 'files', 'history'];
  const parts = Object.fromEntries(names.map((name) => [name, h('div')]));
  parts.banners.setAttribute('role', 'status');
  parts.side = h('div.side-slot');
  const view = h('article.case', h('div.case-main', names.map((name) => parts[name])), parts.side);
  return { parts, view };
}

/** The case's proposals, as the register of proposals tells them. */
const proposalsOf = (one, events) => events.filter((event) => one.proposals?.includes(event.hash))
  .map((event) => ({ ...event, id: event.hash, case_id: one.id, reason: event.effect.reason }));

export async function caseView({ argument, body, signal }) {
  let one = await get(`/cases/${encodeURIComponent(argument)}`, { signal });
  let events = [];
  const { parts, view } = frame();
  const redraw = () => {
    replace(parts.head, head(one));
    replace(parts.banners, banners(one));
    replace(parts.side, side(one));
    replace(parts.text, h('section.card.text', h('h2', t('field.description')),
      one.description ? h('p.pre', { dir: 'auto' }, one.description) : h('p.muted', t('case.noText'))));
    const context = { one, events, changed, reload };
    replace(parts.actions, actionBar(context));
    replace(parts.history, historyView(context));
    attachmentsView(parts.files, context, signal);
    replace(parts.proposals, proposalCards(proposalsOf(one, events), offered(one, 'apply'), changed));
  };
  const drawConflicts = async () => {
    if (!one.conflicts?.length) { replace(parts.conflicts); return; }
    const cards = await conflictsOf(one, events, signal);
    replace(parts.conflicts, conflictCards(cards, offered(one, 'restore'), changed, one));
  };
  const loadEvents = async () => {
    events = items(await get(`/cases/${encodeURIComponent(one.id)}/events`, { signal }));
  };
  const changed = async (document) => {
    try {
      one = document?.id ? document : await get(`/cases/${encodeURIComponent(one.id)}`, { signal });
      await loadEvents();
      redraw();
      await drawConflicts();
    } catch (error) {
      redraw();
      if (!signal.aborted) append(parts.history, problemView(error));
    }
  };
  const reload = () => changed(null).then(() => announce(t('case.changedMeanwhile')));
  await loadEvents();
  replace(body, view);
  redraw();
  await drawConflicts();
}

/** The case's conflicts with both values: read from its events, else from the register. */
async function conflictsOf(one, events, signal) {
  const wanted = new Set(one.conflicts);
  const byHash = new Map(events.map((event) => [event.hash, event]));
  const sideOf = (hash, name) => {
    const event = byHash.get(hash);
    const value = event?.content?.[name] ?? event?.content?.[name.replace('citizen.', '')] ?? null;
    return {
      event: hash,
      value: Array.isArray(value) ? value.join('، ') : value,
      actor: event?.actor ?? null,
      origin: event?.origin ?? '',
      occurred_at: event?.occurred_at ?? null,
    };
  };
  const read = Object.entries(one.heads ?? {}).filter(([, heads]) => heads.length > 1).flatMap(([name, heads]) => {
    const shown = heads.find((hash) => !wanted.has(hash)) ?? heads.at(-1);
    return heads.filter((hash) => hash !== shown).map((hash) => ({
      id: hash, case_id: one.id, tracking_code: one.tracking_code, field: name,
      shown: sideOf(shown, name), other: sideOf(hash, name),
    }));
  });
  if (read.length === wanted.size && read.every(
    (entry) => entry.shown.value !== null && entry.other.value !== null
  )) return read;
  try {
    const data = await get('/conflicts', { signal, query: { limit: 500 } });
    const found = (data?.items ?? []).filter((entry) => wanted.has(entry.id));
    return read.map((entry) => found.find((one) => one.id === entry.id) ?? entry)
      .concat(found.filter((entry) => !read.some((one) => one.id === entry.id)));
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    return read; // The two sides are known by who and when; only their texts are missing.
  }
}

