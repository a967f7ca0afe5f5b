// What may be done with a case is what its document offers; this draws a button and a form for each action.
import { choices, known, t, term } from './language.js';
import { latin, splitTags } from './text.js';
import { date } from './dates.js';
import { announce, h, items, replace } from './dom.js';
import { get } from './api.js';
import { store } from './drafts.js';
import { Faults, field, input, makeForm, radios, select, textarea } from './forms.js';
import { organizationPicker } from './picker.js';
import { categories, usualOrganizations } from './directory.js';

// How buttons stand; what is not named here comes last. Those that concern an entry or a file have their place there.
const order = ['acceptance', 'refusal', 'answer', 'actions', 'referral', 'assessment', 'closure', 'review', 'notes',
  'amendment', 'dispute', 'rating', 'withdrawal', 'duplicates', 'custody'];
const elsewhere = new Set(['attachments', 'hiding', 'restore', 'apply', 'registration']);
const grave = new Set(['custody']);

/** The action of this name that the document offers. */
export const offered = (one, name) => one.actions?.find((action) => action.name === name) ?? null;

/** The path of an action as requests take it; `entry` stands in for a conflict's or a proposal's id. */
export const pathOf = (action, entry = '') => action.path.replace(/^\/api\/v1/, '').replace('{id}', entry);

// Fields by the body's schema

const yesNo = (name, required) =>
  radios(name, term('field', name), [['true', t('app.yes')], ['false', t('app.no')]], { required });

const scores = ({ minimum, maximum }) =>
  Array.from(
    { length: maximum - minimum + 1 },
    (_, index) => String(minimum + index)
  ).map((n) => [n, term('score', n)]);

/** Widgets that a name asks for, before its schema is looked at: `(property, required, context, hint)`. */
const widgets = {
  to: (_, required, { one }, hint) => field(term('field', 'to'), organizationPicker('to', {
    first: usualOrganizations(one.category, one.home), except: [one.holder, one.about],
  }), { hint, required }),
  dispute: (_, required, { one, events }) => {
    const at = (hash) => events.find((event) => event.hash === hash)?.occurred_at;
    const label = (hash) => t('case.disputeOf', { date: at(hash) ? date(at(hash)) : hash.slice(0, 8) });
    const disputes = one.disputes.map((hash) => [hash, label(hash)]);
    return field(t('act.whichDispute'), select('dispute', disputes, { value: one.disputes[0] }), { required });
  },
  upheld: (_, required) => radios('upheld', term('field', 'upheld'),
    [['true', t('act.upheldYes')], ['false', t('act.upheldNo')]], { required }),
  of: (_, required, context, hint) => field(term('field', 'tracking_code'),
    input('of', { inputmode: 'numeric', dir: 'ltr' }), { hint, required }),
};

/** One field of a body: by its name, else by what its schema says. */
function widget(name, property, required, context, hint) {
  if (widgets[name]) return widgets[name](property, required, context, hint);
  const type = [property.type].flat().find((each) => each !== 'null');
  if (type === 'boolean') return yesNo(name, required);
  if (type === 'integer') return radios(name, term('field', name), scores(property), { required });
  if (property.enum) {
    return radios(
      name,
      term('field', name),
      choices(name, property.enum.filter((code) => code !== null)),
      { required }
    );
  }
  const control = property.maxLength > 1000 ? textarea(name) : input(name);
  return field(term('field', name), control, { hint, required, optional: !required });
}

/** The fields that a schema asks for; its hint stands at the first text, or alone. */
function fieldsOf(action, context) {
  const { properties = {}, required = [] } = action.body;
  const key = `hint.${action.name}`;
  const hint = known(key) ? t(key) : null;
  const names = Object.keys(properties);
  const place = names.find((name) => name === 'to' || name === 'of' || properties[name].maxLength > 1000);
  const fields = names.map((name) =>
    widget(name, properties[name], required.includes(name), context, name === place ? hint : null));
  return [hint && !place && h('p.hint', hint), ...fields];
}

/** Values as the schema wants them. */
async function bodyOf(action, values, one) {
  const body = {};
  for (const [name, property] of Object.entries(action.body.properties ?? {})) {
    const type = [property.type].flat().find((each) => each !== 'null');
    if (values[name] === undefined || (values[name] === '' && !action.body.required?.includes(name))) continue;
    body[name] = type === 'boolean' ? values[name] === 'true' : type === 'integer' ? Number(
      values[name]
    ) : values[name];
  }
  if (body.of) body.of = await caseOf(body.of, one);
  return body;
}

/** The id of the case of a tracking code. */
async function caseOf(code, one) {
  const wanted = latin(code).replace(/\D/g, '');
  const found = items(await get('/cases', { query: { q: wanted, limit: 5 } }))
    .find((each) => each.tracking_code === wanted && each.id !== one.id);
  if (!found) throw new Faults({ of: t('act.duplicateUnknown') });
  return found.id;
}

// The amendment, whose body names only what changed

function amendFields(one) {
  const citizen = one.citizen ?? {};
  const listed = categories().map((each) => [each.code, each.name]);
  const known = listed.some(([code]) => code === one.category) ? listed : [[one.category, one.category], ...listed];
  const personal = [['name', {}], ['mobile', { inputmode: 'tel', dir: 'ltr' }],
    ['national_id', { inputmode: 'numeric', dir: 'ltr' }], ['address', {}]];
  return [
    field(t('field.subject'), input('subject', { value: one.subject ?? '', maxlength: 500 }),
      { required: Boolean(one.subject) }),
    field(t('field.description'), textarea('description', { value: one.description ?? '' })),
    h('div.row', field(t('field.category'), select('category', known, { value: one.category })),
      field(t('field.priority'), select('priority', choices('priority'), { value: one.priority })),
      field(t('field.tags'), input('tags', { value: (one.tags ?? []).join('، ') }), { hint: t('reg.tagsHint') })),
    h('div.row', personal.map(([name, properties]) => field(t(`field.citizen.${name}`),
      input(`citizen.${name}`, { value: citizen[name] ?? '', ...properties })))),
  ];
}

/** Only what the author changed, with the value events that the page showed for each. */
export function amendment(one, values, initial) {
  const body = { revision: one.revision, heads: {} };
  const changed = (name) => values[name] !== initial[name];
  const touch = (name) => { body.heads[name] = one.heads?.[name] ?? []; };
  for (const name of ['subject', 'description', 'category', 'priority'].filter(changed)) {
    body[name] = values[name];
    touch(name);
  }
  if (changed('tags')) { body.tags = splitTags(values.tags); touch('tags'); }
  for (const name of ['name', 'mobile', 'national_id', 'address'].filter((each) => changed(`citizen.${each}`))) {
    body.citizen = { ...body.citizen, [name]: values[`citizen.${name}`] };
    touch(`citizen.${name}`);
  }
  if (!Object.keys(body.heads).length) throw new Faults({ '': t('fault.nothing_to_amend') });
  return body;
}

// Buttons and forms

function actionForm(action, context, close) {
  const { one, changed, reload } = context;
  const isAmendment = action.name === 'amendment';
  const word = t(`act.${action.name}`);
  return makeForm({
    name: `${action.name}.${one.id}`, submitLabel: word, danger: grave.has(action.name), cancel: close,
    request: async (values, initial) => ({
      method: action.method, path: pathOf(action),
      body: isAmendment ? amendment(one, values, initial) : await bodyOf(action, values, one),
    }),
    onProblem: (problem) => isAmendment && problem.status === 409
      && h('button', { type: 'button', onclick: reload }, t('form.reload')),
    done: (result, settled) => {
      announce(settled ? t('form.settled') : t('act.done', { act: word }));
      if (!settled) close();
      changed(result);
    },
  }, isAmendment ? amendFields(one) : fieldsOf(action, context));
}

/** The buttons that the document offers, and below them the form of the one that was pressed. */
export function actionBar(context) {
  const { one } = context;
  const rank = ({ name }) => (order.includes(name) ? order.indexOf(name) : order.length);
  const actions = (one.actions ?? []).filter(({ name }) => !elsewhere.has(name)).sort((a, b) => rank(a) - rank(b));
  if (!actions.length) return h('section.actions', h('p.muted', t('case.noActions')));
  const slot = h('div.action-slot');
  const buttons = new Map();
  const show = (action) => {
    for (const [name, button] of buttons) button.setAttribute('aria-expanded', String(name === action?.name));
    if (!action) { replace(slot); return; }
    const close = () => { show(null); buttons.get(action.name).focus(); };
    const form = actionForm(action, context, close);
    form.querySelector('.buttons button[type=button]')?.setAttribute('data-cancel', '');
    replace(slot, h('div.card.action-form', h('h2', t(`act.${action.name}`)), form));
  };
  actions.forEach((action, index) => buttons.set(action.name, h('button', {
    type: 'button', 'data-action': action.name, 'aria-expanded': 'false', class: index ? '' : 'primary',
    onclick: (event) => {
      const opening = event.currentTarget.getAttribute('aria-expanded') !== 'true';
      show(opening ? action : null);
      slot.querySelector('input:not([type=hidden]),textarea,select,button')?.focus();
    },
  }, t(`act.${action.name}`))));
  // A form with a draft opens by itself.
  const isUnsent = ({ name }) => store.read(`draft.${name}.${one.id}`) || store.read(`pending.${name}.${one.id}`);
  const unsent = actions.find(isUnsent);
  if (unsent) show(unsent);
  return h('section.actions', { 'aria-label': t('case.actions') }, h('div.bar', [...buttons.values()]), slot);
}
