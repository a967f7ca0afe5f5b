// One case: what it says, where it stands, what may be done, and everything that ever happened to it.
import { h, t, replace, append, number, date, when, icon, codeText, bdi, announce, clock } from './common.js';
import { get, session } from './api.js';
import { problemView, term, copy } from './forms.js';
import { provinceName, organizationName, categoryName } from './directory.js';
import { statusBadge, deadline } from './cases.js';
import { actionBar, can } from './actions.js';
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
    one.pending_transfer && line('info', 'swap', t('case.pending', { to: organizationName(one.pending_transfer), seat })),
    one.seat !== session.server.code && line('info', 'lock', t('case.elsewhere', { seat })),
    one.imported && line('info', 'inbox', t('case.importedNote')),
  ];
}

function head(one) {
  return h('header.case-head',
    h('div.case-marks', codeText(one.tracking_code, 'code big'),
      h('button.plain', { type: 'button', onclick: () => copy(one.tracking_code) }, t('app.copy')),
      statusBadge(one), deadline(one), one.priority && one.priority !== 'normal' && h('span.badge.priority', icon('alert'), term('priority', one.priority))),
    h('h1', one.subject ? bdi(one.subject, 'span') : h('span.withheld', t('list.withheld'))),
    h('p.small.muted', `${term('kind', one.kind)} · ${categoryName(one.category)} · ${term('channel', one.channel)}`,
      one.tags?.length ? h('span.tags', one.tags.map((tag) => h('span.tag', bdi(tag)))) : null));
}

function side(one) {
  const citizen = one.citizen ?? {};
  const counting = !one.imported && (one.overdue || !['answered', 'closed'].includes(one.status));
  const shown = citizen.name || citizen.mobile || citizen.national_id || citizen.address;
  const ltr = (text) => text && h('bdi', { dir: 'ltr' }, text);
  return h('aside.case-side',
    h('section.card', h('h2', t('case.citizen')), shown
      ? facts([[t('field.citizen.name'), citizen.name && bdi(citizen.name)], [t('field.citizen.mobile'), ltr(citizen.mobile)],
        [t('field.citizen.national_id'), ltr(citizen.national_id)], [t('field.citizen.address'), citizen.address && bdi(citizen.address)]])
      : h('p.muted', icon('lock'), t('case.withheld'))),
    h('section.card', h('h2', t('case.details')), facts([
      [t('field.holder'), organizationName(one.holder)],
      [t('field.seat'), one.seat === 'hub' ? t('app.hub') : provinceName(one.seat)],
      [t('field.home'), provinceName(one.home)],
      [t('field.registered_at'), one.registered_at && when(one.registered_at)],
      [t('field.deadline'), one.deadline && [date(one.deadline), ' ', counting && deadline(one)]],
      [t('case.holderDue'), one.holder_deadline && [date(one.holder_deadline), ' ', counting && deadline(one, one.holder_deadline, false)]],
      [t('field.about'), one.about && organizationName(one.about)],
    ]), h('p.small.muted', t('case.revision', { n: number(one.revision) }), ' · ', t('app.asOf', { time: clock(Date.now()) }))));
}

export async function caseView({ argument, body, signal }) {
  let one = await get(`/cases/${encodeURIComponent(argument)}`, { signal });
  let events = [];
  const parts = {
    head: h('div'), banners: h('div', { role: 'status' }), actions: h('div'), text: h('div'), conflicts: h('div'), proposals: h('div'),
    files: h('div'), history: h('div'), side: h('div.side-slot'),
  };
  const redraw = () => {
    replace(parts.head, head(one));
    replace(parts.banners, banners(one));
    replace(parts.side, side(one));
    replace(parts.text, h('section.card.text', h('h2', t('field.description')),
      one.description ? h('p.pre', { dir: 'auto' }, one.description) : h('p.muted', t('case.noText'))));
    const context = { one, held: one.held_status, events, changed, reload };
    replace(parts.actions, actionBar(context));
    replace(parts.history, historyView(context));
    attachmentsView(parts.files, context, signal);
    const offered = can('apply', context);
    replace(parts.proposals, proposalCards(events.filter((event) => one.proposals?.includes(event.hash))
      .map((event) => ({ ...event, id: event.hash, case_id: one.id, reason: event.effect.reason })), offered, changed));
  };
  const drawConflicts = async () => {
    if (!one.conflicts?.length) { replace(parts.conflicts); return; }
    const cards = await conflictsOf(one, events, signal);
    replace(parts.conflicts, conflictCards(cards, can('restore', { one, held: one.held_status, events }), changed, one));
  };
  const loadEvents = async () => {
    const data = await get(`/cases/${encodeURIComponent(one.id)}/events`, { signal });
    events = Array.isArray(data) ? data : data?.items ?? [];
  };
  const changed = async (document) => {
    if (document?.id) one = document;
    try {
      if (!document?.id) one = await get(`/cases/${encodeURIComponent(one.id)}`, { signal });
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
  replace(body, h('article.case', h('div.case-main', parts.head, parts.banners, parts.actions, parts.text, parts.conflicts, parts.proposals, parts.files, parts.history), parts.side));
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
    return { event: hash, value: Array.isArray(value) ? value.join('، ') : value, actor: event?.actor ?? null, origin: event?.origin ?? '', occurred_at: event?.occurred_at ?? null };
  };
  const read = Object.entries(one.heads ?? {}).filter(([, heads]) => heads.length > 1).flatMap(([name, heads]) => {
    const shown = heads.find((hash) => !wanted.has(hash)) ?? heads.at(-1);
    return heads.filter((hash) => hash !== shown).map((hash) => ({
      id: hash, case_id: one.id, tracking_code: one.tracking_code, field: name, shown: sideOf(shown, name), other: sideOf(hash, name),
    }));
  });
  if (read.length === wanted.size && read.every((entry) => entry.shown.value !== null && entry.other.value !== null)) return read;
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

