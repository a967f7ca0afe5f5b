// Every event of a case: what, who, when, to what effect. Nothing is left out; a hidden entry says that it is hidden.
import { known, t, term } from './language.js';
import { digits, number, sizeText } from './text.js';
import { bdi, codeText, h, icon, replace, when } from './dom.js';
import { command } from './forms.js';
import { organization, organizationName, provinces, provinceName, categoryName } from './directory.js';
import { store } from './drafts.js';
import { offered, pathOf } from './actions.js';
import { actorView } from './actors.js';
import { linkTo } from './shell.js';

const marks = {
  opened: 'plus', registered: 'plus', assessed: 'search', referred: 'swap', received: 'inbox', accepted: 'check',
  refused: 'cross', acted: 'play',
  answered: 'chat', closed: 'check', noted: 'dash', attached: 'inbox', amended: 'dot', hidden: 'lock',
  unhidden: 'ring', disputed: 'alert', reviewed: 'search',
  rated: 'star', withdrawn: 'cross', 'due.moved': 'clock', escalated: 'alert', 'duplicate.marked': 'square',
  notified: 'chat',
  granted: 'swap', stamped: 'clock', 'branch.ranked': 'square',
};

/** What an event did not change and why, in words; nothing for one that counted. */
export function effectView({ code, reason }) {
  if (code === 'applied') return null;
  return h(
    'p.effect',
    { class: `e-${code}` },
    icon(code === 'proposal' ? 'ring' : code === 'parked' ? 'lock' : 'cross'),
    h('span', t(`effect.${code}`), reason && [': ', t(`reason.${reason}`)])
  );
}

const isInstant = (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(value);
const isHash = (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const families = {
  kind: 'kind', channel: 'channel', priority: 'priority', outcome: 'outcome', status: 'status',
  notice: 'notice', recipient: 'recipient', template: 'event',
};

/** One value of an event's content as people read it. */
export function valueView(name, value) {
  if (value === null || value === undefined || value === '') return t('app.none');
  if (typeof value === 'boolean') return t(value ? 'app.yes' : 'app.no');
  if (Array.isArray(value)) return value.length ? value.map((one, index) => [
    index ? '، ' : '',
    valueView(name, one),
  ]) : t('app.none');
  if (families[name]) return term(families[name], value);
  if (name === 'category') return categoryName(value);
  if (name === 'tracking_code') return codeText(value);
  if (name === 'of') return h('a', { href: linkTo('case', value) }, h('bdi.small', { dir: 'ltr' }, value));
  if (name === 'fields') return known(`field.${value}`) ? t(`field.${value}`) : value;
  if (name === 'size') return sizeText(value);
  if (typeof value === 'number') return name === 'epoch' ? digits(String(value)) : number(value);
  if (isInstant(value)) return when(value);
  if (isHash(value)) return h('bdi.code.small', { dir: 'ltr', title: value }, value.slice(0, 12), '…');
  if ([
    'to',
    'holder',
    'about',
  ].includes(name) && (organization(value) || provinces.has(value))) return organizationName(value);
  if (['seat', 'home', 'origin'].includes(name)) return provinceName(value);
  return bdi(value);
}

const longTexts = new Set(['text', 'reason', 'description']);
const technical = new Set([
  'calendar',
  'cut',
  'epoch',
  'cause',
  'grant',
  'seat',
  'clock',
  'losers',
  'imported',
  'base',
  'bases',
  'hlc',
  'accept_by',
  'hidden',
  'sha256',
  'media_type',
]);

function contentView(event) {
  const entries = Object.entries(
    event.content ?? {}
  ).filter(([, value]) => value !== null && value !== '' && !(Array.isArray(value) && !value.length));
  const texts = entries.filter(([name]) => longTexts.has(name));
  const told = (
    event.content?.fields ?? []
  ).length > 0 && event.content.fields.every((name) => entries.some(
    ([key]) => key === name || `citizen.${key}` === name
  ));
  const rest = entries.filter(
    ([name]) => !longTexts.has(name) && !technical.has(name) && !(name === 'fields' && told)
  );
  return [texts.map(([, value]) => h('p.pre.said', { dir: 'auto' }, value)),
    rest.length > 0 && h(
      'dl.inline',
      rest.map(([name, value]) => h('div', h('dt', term('field', name)), h('dd', valueView(name, value))))
    )];
}

function technicalView(event) {
  const rest = Object.entries(event.content ?? {}).filter(([name]) => technical.has(name));
  const row = (label, value) => h('div', h('dt', label), h('dd', value));
  return h('details.marks', h('summary', t('case.technical')), h('dl.inline',
    row(t('reg.hash'), h('bdi.code.small.break', { dir: 'ltr' }, event.hash)),
    row(t('reg.seq'), h('bdi', { dir: 'ltr' }, `${event.origin} / ${event.incarnation} / ${event.seq}`)),
    row(t('field.epoch'), h('bdi', { dir: 'ltr' }, String(event.epoch))),
    rest.map(([name, value]) => row(term('field', name), valueView(name, value)))));
}

function entry(event, context) {
  const isHidden = event.content?.hidden === true;
  const hiding = event.hideable && offered(context.one, 'hiding');
  const hide = ({ currentTarget }) => command(currentTarget, {
    name: `hide.${event.hash}.${!isHidden}`, path: pathOf(hiding), body: { event: event.hash, hidden: !isHidden },
  }, t('act.done', { act: t('act.hiding') }), context.changed);
  const toggle = hiding && h('button.plain.small', { type: 'button', onclick: hide },
    t(isHidden ? 'case.unhide' : 'case.hide'));
  const content = contentView(event);
  return h(
    'li.event',
    {
      class: [`t-${event.type.replace('.', '-')}`, event.effect.code !== 'applied' && 'moot', isHidden && 'is-hidden']
        .filter(Boolean).join(' '),
    },
    h('span.mark', icon(marks[event.type] ?? 'dot')),
    h('div.what', h('strong', term('event', event.type)), h('span.muted.small', ' ', actorView(event))),
    h('span.at.small.muted', when(event.occurred_at)),
    h('div.content', effectView(event.effect),
      isHidden && h('p.muted', icon('lock'), t('case.hiddenEntry')), content,
      h('div.entry-foot', technicalView(event), toggle))
  );
}

export function historyView(context) {
  const { events } = context;
  const newest = store.read('newestFirst') ?? true;
  const list = h('ol.history', { role: 'list', reversed: newest });
  const draw = (first) => replace(
    list,
    (first ? [...events].reverse() : events).map((event) => entry(event, context))
  );
  draw(newest);
  const button = h('button.plain.small', { type: 'button', onclick: () => {
    const next = !(store.read('newestFirst') ?? true);
    store.write('newestFirst', next);
    button.textContent = t(next ? 'case.newestFirst' : 'case.oldestFirst');
    draw(next);
  } }, t(newest ? 'case.newestFirst' : 'case.oldestFirst'));
  return h(
    'section.card',
    h('div.card-head', h('h2', t('case.history'), ' ', h('span.small.muted', number(events.length))), button),
    list
  );
}

