// The two registers of what was not silently overwritten: conflicts, and held writes that did not count.
import { h, t, replace, when, codeText, icon, announce } from './common.js';
import { get, session, submit } from './api.js';
import { linkTo, pager } from './shell.js';
import { term, problemView, command } from './forms.js';
import { valueView, effectView, actorView } from './history.js';

const lead = ['supervisor', 'hub', 'ministry'];

const textFields = new Set(['subject', 'description', 'category', 'priority', 'citizen.name', 'citizen.mobile', 'citizen.address', 'citizen.national_id']);

/** The shown value written anew over all heads: that settles the conflict in its favour. */
function keepBody(entry, one) {
  const value = entry.shown.value;
  const body = { revision: one.revision, heads: { [entry.field]: one.heads?.[entry.field] ?? [] } };
  if (entry.field.startsWith('citizen.')) body.citizen = { [entry.field.slice(8)]: value }; else body[entry.field] = value;
  return body;
}

async function keep(button, entry, one, done) {
  button.disabled = true;
  try {
    const { result } = await submit(`keep.${entry.id}`, 'PATCH', `/cases/${one.id}`, keepBody(entry, one));
    announce(t('act.done.restore'));
    done(result);
  } catch (error) {
    if (error.name !== 'AbortError') announce(problemView(error), { urgent: true });
  } finally { button.disabled = false; }
}

const side = (label, entry, value, button) => h('div.side', h('p.side-label', label), h('blockquote', { dir: 'auto' }, valueView(entry, value.value)),
  h('p.small.muted', value.actor && actorView(value), ' · ', value.occurred_at && when(value.occurred_at)), button);

export function conflictCard(entry, offered, done, one = null) {
  const restore = offered && h('button', { type: 'button', onclick: ({ currentTarget }) => command(currentTarget, `restore.${entry.id}`, `/conflicts/${entry.id}/restore`, {}, 'act.done.restore', done) }, t('case.restore'));
  const stay = offered && one && textFields.has(entry.field) && entry.shown.value !== null
    && h('button', { type: 'button', onclick: ({ currentTarget }) => keep(currentTarget, entry, one, done) }, t('case.keep'));
  return h('div.versus', h(one ? 'h3' : 'h2', term('field', entry.field), !one && [' · ', h('a', { href: linkTo('case', entry.case_id), 'data-row': true }, codeText(entry.tracking_code))]),
    h('div.sides', side(t('case.shown'), entry.field, entry.shown, stay), side(t('case.other'), entry.field, entry.other, restore)));
}

export const conflictCards = (entries, offered, done, one) => entries.length > 0 && h('section.card.attention',
  h('h2', icon('swap'), t('case.conflicts')), h('p.hint', t('case.conflictHelp')), entries.map((entry) => conflictCard(entry, offered, done, one)));

export function proposalCard(entry, offered, done, named = false) {
  const apply = offered && h('button', { type: 'button', onclick: ({ currentTarget }) => window.confirm(t('act.applyConfirm'))
    && command(currentTarget, `apply.${entry.id}`, `/proposals/${entry.id}/apply`, {}, 'act.done.apply', done) }, t('case.applyProposal'));
  return h('div.proposal', h(named ? 'h2' : 'h3', term('event', entry.type), named && [' · ', h('a', { href: linkTo('case', entry.case_id), 'data-row': true }, codeText(entry.tracking_code))]),
    h('p.small.muted', actorView(entry), ' · ', when(entry.occurred_at)),
    effectView({ code: 'proposal', reason: entry.reason }),
    h('dl.inline', Object.entries(entry.content ?? {}).filter(([, value]) => value !== null && value !== '').map(([name, value]) => h('div', h('dt', term('field', name)), h('dd', valueView(name, value))))), apply);
}

export const proposalCards = (entries, offered, done) => entries.length > 0 && h('section.card.attention',
  h('h2', icon('ring'), t('case.proposals')), h('p.hint', t('case.proposalHelp')), entries.map((entry) => proposalCard(entry, offered, done)));

const register = (name, path, card) => async ({ body, signal, reload }) => {
  const offered = lead.includes(session.principal.role);
  const list = h('div.register');
  const pages = pager({ target: list, signal, empty: t(`${name}.empty`), render: (entry) => h('div.card', card(entry, offered, reload)),
    load: (cursor) => get(path, { signal, query: { cursor, limit: 30 } }) });
  replace(body, h('h1', t(`${name}.title`)), h('p.hint', t(`${name}.help`)), list, pages.element);
  await pages.start();
};

export const conflictsView = register('conf', '/conflicts', (entry, offered, done) => conflictCard(entry, offered, done));
export const proposalsView = register('prop', '/proposals', (entry, offered, done) => proposalCard(entry, offered, done, true));
