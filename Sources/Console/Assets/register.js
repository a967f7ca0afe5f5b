// Taking down a new case while the caller is on the line: one screen, and the code as soon as the server has it.
import { choices, t } from './language.js';
import { splitTags } from './text.js';
import { announce, bdi, codeText, h, icon, replace, when } from './dom.js';
import { session } from './api.js';
import { store } from './drafts.js';
import { copy, field, input, makeForm, radios, select, textarea } from './forms.js';
import { organizationPicker } from './picker.js';
import { categories, usualOrganizations, organizationName, provinceName } from './directory.js';
import { linkTo } from './shell.js';
import { deadline } from './cases.js';

/** What was left empty is left out. */
const filled = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value));

function intake(values) {
  const citizen = Object.fromEntries([
    'name',
    'mobile',
    'national_id',
    'address',
  ].map((name) => [name, values[`citizen.${name}`]]));
  return {
    kind: values.kind, channel: values.channel, category: values.category, priority: values.priority,
    tags: splitTags(values.tags), subject: values.subject,
    ...filled({ about: values.about, description: values.description }), citizen: filled(citizen),
  };
}

/** The code as large as the screen allows, and the receipt that proves it. */
function result(document, settled, again) {
  const receipt = document.receipt;
  const copyButton = h(
    'button.primary',
    { type: 'button', onclick: () => copy(document.tracking_code) },
    t('app.copy')
  );
  const row = (label, value) => h('div', h('dt', label), h('dd', value));
  const mono = (value) => h('bdi.code.small.break', { dir: 'ltr' }, value);
  const view = h('section.registration', h('h1', icon('check'), t('reg.done')),
    settled && h('p.banner.warn', icon('alert'), t('reg.settled')),
    h('p.tracking', codeText(document.tracking_code, 'code huge')),
    h('p', t('reg.doneText')),
    h('p', deadline(document)),
    h(
      'div.buttons.no-print',
      copyButton,
      h('button', { type: 'button', onclick: () => window.print() }, t('app.print')),
      h('a.button', { href: linkTo('case', document.id) }, t('reg.open')),
      h('button', { type: 'button', onclick: again }, t('reg.another'))
    ),
    receipt && h(
      'section.card.receipt',
      h('h2', t('reg.receipt')),
      h('p.small', t('reg.receiptText', { origin: provinceName(receipt.origin) }), ' · ', when(receipt.time)),
      h(
        'dl.facts',
        row(t('field.tracking_code'), codeText(receipt.tracking_code ?? document.tracking_code)),
        row(t('field.subject'), bdi(document.subject ?? '')),
        row(t('reg.seq'), mono(`${receipt.origin} / ${receipt.incarnation} / ${receipt.seq}`)),
        row(t('reg.hash'), mono(receipt.hash)),
        row(t('reg.signature'), mono(receipt.signature)),
        row(t('reg.hubSignature'), receipt.hub ? mono(receipt.hub.signature) : t('reg.noHubYet'))
      )
    ));
  queueMicrotask(() => copyButton.focus());
  return view;
}

export async function registerView(context) {
  const { body } = context;
  const home = session.server.code;
  const category = select('category', [['', t('form.choose')], ...categories().map((one) => [one.code, one.name])]);
  const about = organizationPicker('about');
  const usual = h('p.hint.usual', { 'aria-live': 'polite' });
  const suggest = () => {
    const codes = usualOrganizations(category.value, home);
    about.prefer(codes);
    replace(
      usual,
      category.value && codes.length ? [icon('swap'), t('reg.usual'), ': ', organizationName(codes[0])] : null
    );
  };
  category.addEventListener('change', suggest);
  category.addEventListener('restore', suggest);
  const lastChannel = store.read('channel') ?? 'phone';
  const form = makeForm({
    name: 'register', className: 'register', stepwise: true, submitLabel: t('reg.submit'),
    request: (values) => {
      store.write('channel', values.channel);
      return { path: '/cases', body: intake(values) };
    },
    done: (document, settled) => {
      announce(`${t('reg.done')}: ${document.tracking_code}`);
      if (settled) store.write('draft.register', null);
      replace(body, result(document, settled, context.reload));
      window.scrollTo(0, 0);
    },
  },
  h('div.columns',
    h('section.card', h('h2', t('reg.what')),
      radios('kind', t('field.kind'), choices('kind'), { value: 'complaint', required: true }),
      h(
        'div.row',
        field(t('field.category'), category, { required: true }),
        field(t('field.priority'), select('priority', choices('priority'), { value: 'normal' }))
      ),
      usual,
      field(t('field.subject'), input('subject', { maxlength: 500 }), { required: true }),
      field(t('field.description'), textarea('description', { rows: 6, maxlength: 60000 }))),
    h('div.stack',
      h('section.card', h('h2', t('reg.who')),
        h('div.row', field(t('field.citizen.name'), input('citizen.name', { maxlength: 200 })),
          field(
            t('field.citizen.mobile'),
            input('citizen.mobile', { inputmode: 'tel', dir: 'ltr', maxlength: 32 }),
            {}
          )),
        h(
          'div.row',
          field(
            t('field.citizen.national_id'),
            input('citizen.national_id', { inputmode: 'numeric', dir: 'ltr', maxlength: 20 })
          ),
          field(t('field.citizen.address'), input('citizen.address', { maxlength: 1000 }))
        )),
      h('section.card', h('h2', t('reg.where')),
        field(t('field.about'), about, { hint: t('reg.aboutHint'), optional: true }),
        radios('channel', t('field.channel'), choices('channel'), { value: lastChannel, required: true }),
        field(t('field.tags'), input('tags'), { hint: t('reg.tagsHint'), optional: true })))));
  replace(body, h('h1', t('nav.register')), form);
  suggest();
  form.elements.category.focus({ preventScroll: true });
}
