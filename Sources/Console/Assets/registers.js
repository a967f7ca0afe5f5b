// The two registers of what was not silently overwritten: conflicts, and held writes that did not count.
import { t, term } from './language.js';
import { announce, codeText, h, icon, replace, when } from './dom.js';
import { get } from './api.js';
import { submit } from './sending.js';
import { offered as offer, pathOf } from './actions.js';
import { actorView } from './actors.js';
import { linkTo, pager } from './shell.js';
import { problemView, command } from './forms.js';
import { valueView, effectView } from './history.js';

const textFields = new Set([
  'subject',
  'description',
  'category',
  'priority',
  'citizen.name',
  'citizen.mobile',
  'citizen.address',
  'citizen.national_id',
]);

/** The shown value written anew over all heads: that settles the conflict in its favour. */
function keepBody(entry, one) {
  const value = entry.shown.value;
  const body = { revision: one.revision, heads: { [entry.field]: one.heads?.[entry.field] ?? [] } };
  if (entry.field.startsWith('citizen.')) body.citizen = {
    [entry.field.slice(8)]: value,
  }; else body[entry.field] = value;
  return body;
}

async function keep(button, entry, one, done) {
  button.disabled = true;
  try {
    const { result } = await submit(`keep.${entry.id}`, 'PATCH', `/cases/${one.id}`, keepBody(entry, one));
    announce(t('act.done', { act: t('act.amendment') }));
    done(result);
  } catch (error) {
    if (error.name !== 'AbortError') announce(problemView(error), { urgent: true });
  } finally { button.disabled = false; }
}

const side = (label, entry, value, button) => h(
  'div.side',
  h('p.side-label', label),
  h('blockquote', { dir: 'auto' }, valueView(entry, value.value)),
  h('p.small.muted', value.actor && actorView(value), ' · ', value.occurred_at && when(value.occurred_at)),
  button
);

export function conflictCard(entry, action, done, one = null) {
  const show = ({ currentTarget }) => command(currentTarget,
    { name: `restore.${entry.id}`, path: pathOf(action, entry.id), body: {} },
    t('act.done', { act: t('act.restore') }), done);
  const restore = action && h('button', { type: 'button', onclick: show }, t('case.restore'));
  const stay = action && one && offer(one, 'amendment') && textFields.has(entry.field) && entry.shown.value !== null
    && h(
      'button',
      { type: 'button', onclick: ({ currentTarget }) => keep(currentTarget, entry, one, done) },
      t('case.keep')
    );
  return h(
    'div.versus',
    h(
      one ? 'h3' : 'h2',
      term('field', entry.field),
      !one && [
        ' · ',
        h('a', { href: linkTo('case', entry.case_id), 'data-row': true }, codeText(entry.tracking_code)),
      ]
    ),
    h(
      'div.sides',
      side(t('case.shown'), entry.field, entry.shown, stay),
      side(t('case.other'), entry.field, entry.other, restore)
    )
  );
}

export const conflictCards = (entries, action, done, one) => entries.length > 0 && h('section.card.attention',
  h(
    'h2',
    icon('swap'),
    t('case.conflicts')
  ), h('p.hint', t('case.conflictHelp')), entries.map((entry) => conflictCard(entry, action, done, one)));

export function proposalCard(entry, action, done, named = false) {
  const act = ({ currentTarget }) => window.confirm(t('act.applyConfirm')) && command(currentTarget,
    { name: `apply.${entry.id}`, path: pathOf(action, entry.id), body: {} },
    t('act.done', { act: t('act.apply') }), done);
  const apply = action && h('button', { type: 'button', onclick: act }, t('act.apply'));
  return h(
    'div.proposal',
    h(
      named ? 'h2' : 'h3',
      term('event', entry.type),
      named && [
        ' · ',
        h('a', { href: linkTo('case', entry.case_id), 'data-row': true }, codeText(entry.tracking_code)),
      ]
    ),
    h('p.small.muted', actorView(entry), ' · ', when(entry.occurred_at)),
    effectView({ code: 'proposal', reason: entry.reason }),
    h(
      'dl.inline',
      Object.entries(
        entry.content ?? {}
      ).filter(
        ([, value]) => value !== null && value !== ''
      ).map(([name, value]) => h('div', h('dt', term('field', name)), h('dd', valueView(name, value))))
    ),
    apply
  );
}

export const proposalCards = (entries, action, done) => entries.length > 0 && h('section.card.attention',
  h(
    'h2',
    icon('ring'),
    t('case.proposals')
  ), h('p.hint', t('case.proposalHelp')), entries.map((entry) => proposalCard(entry, action, done)));

// The lists only show; what may be done is offered at the case, whose document says it.
const register = (title, name, path, card) => async ({ body, signal }) => {
  const list = h('div.register');
  const pages = pager({
    target: list, signal, empty: t(`${name}.empty`), render: (entry) => h('div.card', card(entry)),
    load: (cursor) => get(path, { signal, query: { cursor, limit: 30 } }),
  });
  replace(body, h('h1', t(title)), h('p.hint', t(`${name}.help`)), list, pages.element);
  await pages.start();
};

export const conflictsView = register(
  'nav.conflicts',
  'conf',
  '/conflicts',
  (entry) => conflictCard(entry, null, null)
);
export const proposalsView = register('nav.proposals', 'prop', '/proposals',
  (entry) => proposalCard(entry, null, null, true));
