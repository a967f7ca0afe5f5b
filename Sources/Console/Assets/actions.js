// What may be done with a case, by status, custody and role, and the form of each. The server decides; this only offers.
import { h, t, replace, date, announce, latin, items } from './common.js';
import { get, session, store } from './api.js';
import { field, input, textarea, select, radios, choices, makeForm, organizationPicker, Faults, mobileNumber, nationalID } from './forms.js';
import { categories, isWithin, usualOrganizations } from './directory.js';

const everyone = ['operator', 'agency', 'supervisor', 'hub', 'ministry'];
const desk = ['operator', 'supervisor', 'hub'];
const lead = ['supervisor', 'hub', 'ministry'];
const open = ['registered', 'in_progress'];

// roles; held statuses; seat: only where custody lies; still: not while a transfer is pending
const rules = {
  accept: { roles: everyone, statuses: ['referred'], holder: true, still: true },
  refuse: { roles: everyone, statuses: ['referred'], holder: true, still: true },
  answer: { roles: everyone, statuses: open, holder: true, still: true },
  action: { roles: everyone, statuses: ['registered', 'referred', 'in_progress', 'answered'], holder: true },
  refer: { roles: everyone, statuses: open, holder: true, still: true },
  note: { roles: everyone, statuses: null }, attach: { roles: everyone, statuses: null },
  assess: { roles: everyone, statuses: open, holder: true, still: true },
  close: { roles: everyone, statuses: [...open, 'answered'], holder: true, still: true },
  review: { roles: lead, statuses: null, seat: true, when: (one) => one.disputes?.length > 0 },
  amend: { roles: everyone, statuses: null },
  dispute: { roles: desk, statuses: null },
  rate: { roles: desk, statuses: ['answered', 'closed'] },
  duplicate: { roles: desk, statuses: null },
  withdraw: { roles: desk, statuses: ['registered', 'referred', 'in_progress', 'answered'], when: (one) => !one.disputes?.length },
  custody: { roles: ['hub'], statuses: null, when: () => session.server.kind === 'hub' },
  hide: { roles: lead, statuses: null }, restore: { roles: lead, statuses: null },
  apply: { roles: lead, statuses: null, seat: true },
};
const order = ['accept', 'refuse', 'answer', 'action', 'refer', 'assess', 'close', 'review', 'note', 'amend', 'dispute', 'rate', 'withdraw', 'duplicate', 'custody'];

/** True where the role, the custody and the status would let the server take it. */
export function can(name, { one, held }) {
  const rule = rules[name];
  const { role, organization } = session.principal;
  if (!rule.roles.includes(role) || held === 'draft') return false;
  if (rule.statuses && !rule.statuses.includes(held)) return false;
  if (rule.when && !rule.when(one)) return false;
  if (rule.still && (one.pending_transfer || one.parked)) return false;
  if ((rule.holder || rule.seat) && one.seat !== session.server.code) return false;
  if (rule.holder && !['supervisor', 'hub'].includes(role) && !isWithin(one.holder, organization)) return false;
  return true;
}

const text = (name, label, hint, required = true) => field(label, textarea(name), { hint, required, optional: !required });
const yesNo = (name) => radios(name, t(`field.${name}`), [['true', t('app.yes')], ['false', t('app.no')]], { required: true });
const isTrue = (value) => value === 'true';

// For each action: its fields, and the body that its route takes.
const forms = {
  note: { route: 'notes', fields: () => [text('text', t('act.note'), t('act.noteHint'))], body: ({ text }) => ({ text }) },
  action: { route: 'actions', fields: () => [text('text', t('act.action'))], body: ({ text }) => ({ text }) },
  answer: { route: 'answer', fields: () => [text('text', t('act.answer'), t('act.answerHint'))], body: ({ text }) => ({ text }) },
  accept: { route: 'acceptance', fields: () => [h('p.hint', t('act.acceptHint'))], body: () => ({}) },
  refuse: { route: 'refusal', fields: () => [text('reason', t('field.reason'), t('act.refuseHint'))], body: ({ reason }) => ({ reason }) },
  refer: {
    route: 'referral',
    fields: (one) => [
      field(t('field.to'), organizationPicker('to', { first: usualOrganizations(one.category, one.home), except: [one.holder, one.about] }), { hint: t('act.referHint'), required: true }),
      text('reason', t('field.reason'))],
    body: ({ to, reason }) => ({ to, reason }),
  },
  assess: {
    route: 'assessment', fields: () => [h('p.hint', t('act.assessHint')), h('div.row', yesNo('lawful'), yesNo('within_means'), yesNo('done'))],
    body: (values) => ({ lawful: isTrue(values.lawful), within_means: isTrue(values.within_means), done: isTrue(values.done) }),
  },
  close: {
    route: 'closure',
    fields: () => [radios('outcome', t('field.outcome'), choices('outcome', ['resolved', 'advised', 'unlawful', 'beyond_means', 'duplicate', 'unconfirmed']), { required: true }),
      text('text', t('field.text'), t('act.closeHint'), false)],
    body: ({ outcome, text }) => ({ outcome, text }),
  },
  dispute: { route: 'dispute', fields: () => [text('text', t('act.dispute'), t('act.disputeHint'))], body: ({ text }) => ({ text }) },
  review: {
    route: 'review',
    fields: (one, events) => {
      const at = (hash) => events.find((event) => event.hash === hash)?.occurred_at;
      const label = (hash) => t('case.disputeOf', { date: at(hash) ? date(at(hash)) : hash.slice(0, 8) });
      return [field(t('act.whichDispute'), select('dispute', one.disputes.map((hash) => [hash, label(hash)]), { value: one.disputes[0] })),
        radios('upheld', t('field.upheld'), [['true', t('act.upheldYes')], ['false', t('act.upheldNo')]], { required: true }),
        text('text', t('field.text'), t('act.reviewHint'), false)];
    },
    body: ({ dispute, upheld, text }) => ({ dispute, upheld: isTrue(upheld), text }),
  },
  rate: {
    route: 'rating', fields: () => [radios('score', t('field.score'), [1, 2, 3, 4, 5].map((n) => [String(n), t(`score.${n}`)]), { required: true })],
    body: ({ score }) => ({ score: Number(score) }),
  },
  withdraw: { route: 'withdrawal', fields: () => [text('text', t('field.reason'), t('act.withdrawHint'), false)], body: ({ text }) => ({ text }) },
  duplicate: {
    route: 'duplicates',
    fields: () => [field(t('field.tracking_code'), input('code', { inputmode: 'numeric', dir: 'ltr' }), { hint: t('act.duplicateHint'), required: true })],
    body: async ({ code }, one) => {
      const wanted = latin(code).replace(/\D/g, '');
      const found = items(await get('/cases', { query: { q: wanted, limit: 5 } })).find((each) => each.tracking_code === wanted && each.id !== one.id);
      if (!found) throw new Faults({ code: t('act.duplicateUnknown') });
      return { of: found.id };
    },
  },
  custody: {
    route: 'custody', danger: true,
    fields: (one) => [field(t('field.to'), organizationPicker('to', { first: [one.home], except: [one.holder] }), { hint: t('act.custodyHint'), required: true }), text('reason', t('field.reason'))],
    body: ({ to, reason }) => ({ to, reason }),
  },
};

function amendFields(one) {
  const citizen = one.citizen ?? {};
  const known = categories().map((each) => [each.code, each.name]);
  const offered = known.some(([code]) => code === one.category) ? known : [[one.category, one.category], ...known];
  const personal = [['name', {}], ['mobile', { inputmode: 'tel', dir: 'ltr' }], ['national_id', { inputmode: 'numeric', dir: 'ltr' }], ['address', {}]];
  return [
    field(t('field.subject'), input('subject', { value: one.subject ?? '', maxlength: 500 }), { required: Boolean(one.subject) }),
    field(t('field.description'), textarea('description', { value: one.description ?? '' })),
    h('div.row', field(t('field.category'), select('category', offered, { value: one.category })),
      field(t('field.priority'), select('priority', choices('priority', ['low', 'normal', 'high', 'urgent']), { value: one.priority })),
      field(t('field.tags'), input('tags', { value: (one.tags ?? []).join('، ') }), { hint: t('reg.tagsHint') })),
    h('div.row', personal.map(([name, properties]) => field(t(`field.citizen.${name}`), input(`citizen.${name}`, { value: citizen[name] ?? '', ...properties })))),
  ];
}

export const splitTags = (text) => text.split(/[,،]/).map((tag) => tag.trim()).filter(Boolean);

/** Only what the author changed, with the value events that the page showed for each. */
function amendment(one, values, initial) {
  const body = { revision: one.revision, heads: {} };
  const citizen = {};
  const faults = {};
  const touch = (name) => { body.heads[name] = one.heads?.[name] ?? []; };
  for (const name of ['subject', 'description', 'category', 'priority']) {
    if (values[name] !== initial[name]) { body[name] = values[name]; touch(name); }
  }
  if (values.tags !== initial.tags) { body.tags = splitTags(values.tags); touch('tags'); }
  for (const name of ['name', 'mobile', 'national_id', 'address']) {
    let value = values[`citizen.${name}`];
    if (value === initial[`citizen.${name}`]) continue;
    if (value && name === 'mobile') { const checked = mobileNumber(value); value = checked.value; if (checked.fault) faults['citizen.mobile'] = checked.fault; }
    if (value && name === 'national_id') { const checked = nationalID(value); value = checked.value; if (checked.fault) faults['citizen.national_id'] = checked.fault; }
    citizen[name] = value;
    touch(`citizen.${name}`);
  }
  if (Object.keys(citizen).length) body.citizen = citizen;
  if (Object.keys(faults).length) throw new Faults(faults);
  if (!Object.keys(body.heads).length) throw new Faults({ '': t('form.nothing') });
  return body;
}

function amendForm({ one, changed, reload }, close) {
  return makeForm({
    name: `amend.${one.id}`, submitLabel: t('act.amend'), cancel: close,
    request: (values, initial) => ({ method: 'PATCH', path: `/cases/${one.id}`, body: amendment(one, values, initial) }),
    onProblem: (problem) => (problem.kind === 'stale' || problem.status === 409 || problem.status === 412)
      && h('button', { type: 'button', onclick: reload }, t('form.reload')),
    done: finish('amend', changed, close),
  }, amendFields(one));
}

const finish = (name, changed, close) => (result, settled) => {
  announce(settled ? t('form.settled') : t(`act.done.${name}`));
  if (!settled) close();
  changed(result);
};

function actionForm(name, context, close) {
  if (name === 'amend') return amendForm(context, close);
  const { one, events, changed } = context;
  const form = forms[name];
  return makeForm({
    name: `${name}.${one.id}`, submitLabel: t(`act.${name}`), danger: form.danger, cancel: close,
    request: async (values) => ({ path: `/cases/${one.id}/${form.route}`, body: await form.body(values, one) }),
    done: finish(name, changed, close),
  }, form.fields(one, events));
}

const primary = { referred: 'accept', in_progress: 'answer', registered: 'refer' };

/** The buttons that fit, and below them the form of the one that was pressed. A form with a draft opens by itself. */
export function actionBar(context) {
  const { one, held } = context;
  const offered = order.filter((name) => can(name, context));
  if (!offered.length) return h('section.actions', h('p.muted', t('case.noActions')));
  const slot = h('div.action-slot');
  const buttons = new Map();
  const show = (name) => {
    for (const [key, button] of buttons) button.setAttribute('aria-expanded', String(key === name));
    if (!name) { replace(slot); return; }
    const close = () => { show(null); buttons.get(name).focus(); };
    const form = actionForm(name, context, close);
    form.querySelector('.buttons button[type=button]')?.setAttribute('data-cancel', '');
    replace(slot, h('div.card.action-form', h('h3', t(`act.${name}`)), form));
  };
  for (const name of offered) {
    buttons.set(name, h('button', {
      type: 'button', 'data-action': name, 'aria-expanded': 'false', class: name === primary[held] ? 'primary' : '',
      onclick: (event) => {
        const opening = event.currentTarget.getAttribute('aria-expanded') !== 'true';
        show(opening ? name : null);
        slot.querySelector('input:not([type=hidden]),textarea,select,button')?.focus();
      },
    }, t(`act.${name}`)));
  }
  const unsent = offered.find((name) => store.read(`draft.${name}.${one.id}`) || store.read(`pending.${name}.${one.id}`));
  if (unsent) show(unsent);
  return h('section.actions', { 'aria-label': t('case.actions') }, h('div.bar', [...buttons.values()]), slot);
}
