// Forms: fields with their labels, hints and faults; drafts; sending.
import { t } from './language.js';
import { number } from './text.js';
import { announce, bdi, freshID, h, replace } from './dom.js';
import { Problem } from './api.js';
import { store } from './drafts.js';
import { submit } from './sending.js';

/** A labelled control. `control` is an element with a name; faults appear below it. */
export function field(label, control, { hint, required = false, optional = false, className = '' } = {}) {
  const id = control.id || freshID('field');
  const target = control.matches(
    'input,select,textarea'
  ) ? control : control.querySelector('input,select,textarea');
  target.id = target.id || id;
  const hintID = `${target.id}-hint`;
  const faultID = `${target.id}-fault`;
  target.setAttribute('aria-describedby', hint ? `${hintID} ${faultID}` : faultID);
  const named = control.name ? control : control.querySelector('[name]');
  if (required) { named.required = true; target.setAttribute('aria-required', 'true'); }
  return h('div.field', { class: className, 'data-for': named.name },
    h('label', { for: target.id }, label, required && h('span.must', { 'aria-hidden': 'true' }, ' *'),
      optional && h('span.hint', ` (${t('form.optional')})`)),
    control, hint && h('p.hint', { id: hintID }, hint), h('p.fault', { id: faultID, hidden: true }));
}

export const input = (name, properties = {}) => h(
  'input',
  { name, type: 'text', autocomplete: 'off', ...properties }
);
export const textarea = (name, properties = {}) => h('textarea', { name, rows: 4, ...properties });

/** `choices` are `[value, label]`. */
export function select(name, choices, { value = '', ...properties } = {}) {
  return h('select', { name, ...properties },
    choices.map(([choice, label]) => h('option', { value: choice, selected: choice === value }, label)));
}

/** A few choices side by side: one key press each. */
export function radios(name, legend, choices, { value, required = false } = {}) {
  return h('fieldset.radios', { 'data-for': name },
    h('legend', legend, required && h('span.must', { 'aria-hidden': 'true' }, ' *')),
    h('div.row', choices.map(([choice, label]) => h('label.choice',
      h('input', { type: 'radio', name, value: choice, checked: choice === value, required }), h('span', label)))),
    h('p.fault', { hidden: true }));
}

const controls = (form) => [...form.elements].filter((element) => element.name);

function valuesOf(form) {
  const values = {};
  for (const control of controls(form)) {
    if (control.type === 'radio') { if (control.checked) values[control.name] = control.value; } else
      if (control.type === 'checkbox') values[control.name] = control.checked;
      else values[control.name] = control.value.trim();
  }
  return values;
}

function setValue(form, name, value) {
  for (const control of controls(form).filter((candidate) => candidate.name === name)) {
    if (control.type === 'radio') control.checked = control.value === value;
    else if (control.type === 'checkbox') control.checked = value;
    else control.value = value;
    control.dispatchEvent(new Event('restore', { bubbles: true }));
  }
}

/** Thrown by a form's `request` when the values are not fit to send: `{ name: sentence }`. */
export class Faults extends Error {
  constructor(faults) { super('faults'); this.faults = faults; }
}

export function showFaults(form, faults) {
  for (const slot of form.querySelectorAll('.fault')) { slot.hidden = true; slot.textContent = ''; }
  for (const control of controls(form)) control.removeAttribute('aria-invalid');
  const rest = [];
  let first = null;
  for (const [name, sentence] of Object.entries(faults)) {
    const box = form.querySelector(`[data-for="${CSS.escape(name)}"]`);
    if (!box) { rest.push(sentence); continue; }
    const slot = box.querySelector('.fault');
    replace(slot, sentence);
    slot.hidden = false;
    const control = box.querySelector('input,select,textarea');
    control.setAttribute('aria-invalid', 'true');
    first ??= control;
  }
  first?.focus();
  return rest;
}

/** A problem as a block: the sentence, the reason, and the server's own words where they add something. */
export function problemView(problem) {
  if (!(
    problem instanceof Problem
  )) return h(
    'div.problem',
    { role: 'alert' },
    h('strong', t('problem.other')),
    h('p', bdi(String(problem?.message ?? problem)))
  );
  const words = problem.detail && !problem.reason ? problem.detail : null;
  return h(
    'div.problem',
    { role: 'alert' },
    h('strong', problem.sentence),
    problem.reason && h('p', problem.reason),
    words && h('p.small', { lang: 'en' }, bdi(words))
  );
}

/** What the form held before anybody typed, and the draft of it in this tab. Nothing is kept once it has been sent. */
function keepDraft(form, slot, status) {
  const initial = valuesOf(form);
  let sent = false;
  const restore = (values) => { for (const [name, value] of Object.entries(values)) setValue(form, name, value); };
  const save = () => {
    // Removing the focused field of a form that was sent fires `change` once more.
    if (sent) return;
    const touched = Object.entries(valuesOf(form)).filter(([name, value]) => value !== (initial[name] ?? ''));
    store.write(slot, touched.length ? Object.fromEntries(touched) : null);
  };
  const draft = store.read(slot);
  if (draft) {
    restore(draft);
    const discard = () => { restore(initial); store.write(slot, null); replace(status); };
    replace(status, h('p.small', t('form.draft'), ' ',
      h('button.plain', { type: 'button', onclick: discard }, t('form.discard'))));
  }
  form.addEventListener('input', save);
  form.addEventListener('change', save);
  return { initial, end() { sent = true; store.write(slot, null); } };
}

/** Ctrl+Enter sends; with `stepwise`, Enter in a field of one line goes on to the next instead of sending. */
function formKeys(form, stepwise) {
  form.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.defaultPrevented) return;
    if (event.ctrlKey || event.metaKey) { event.preventDefault(); form.requestSubmit(); return; }
    if (!stepwise || !event.target.matches('input:not([type=hidden]),select')) return;
    event.preventDefault();
    const stops = [...form.querySelectorAll('input:not([type=hidden]),select,textarea,button[type=submit]')];
    const here = stops.indexOf(event.target);
    stops.find((stop, index) => index > here && !(
      stop.type === 'radio' && stop.name === event.target.name
    ))?.focus();
  });
}

/** Why the server refused, at the fields that it names and below the form. */
function showProblem(form, status, error, onProblem) {
  const named = (error.errors ?? []).filter((fault) => fault.field);
  showFaults(form, Object.fromEntries(named.map((fault) => [fault.field, faultText(fault)])));
  const unknown = error.unknown ? h('p.small', t('form.unknown')) : null;
  replace(status, problemView(error), unknown, onProblem?.(error));
}

/** A field's fault in words. */
export const faultText = ({ code, limit }) => t(`fault.${code}`, { limit: number(limit) });

/** What the form would send; `null` where it shows faults instead. */
async function wish(form, initial, request, status) {
  const faults = missing(form);
  let wanted = null;
  if (!Object.keys(faults).length) {
    try { wanted = await request(valuesOf(form), initial); } catch (error) {
      if (!(error instanceof Faults)) { replace(status, problemView(error)); return null; }
      Object.assign(faults, error.faults);
    }
  }
  const rest = showFaults(form, faults);
  if (!wanted) replace(status, h('div.problem', h('p', rest.length ? rest.join(' ') : t('form.errors'))));
  return wanted;
}

/**
 * A form that keeps what is typed until the server has answered.
 * - name: names the draft and the pending submission in this tab.
 * - request(values, initial): `{ method, path, body }`, also later; throws `Faults`. `initial` is what the form showed.
 * - done(result, settled): after the server said yes.
 * - stepwise: Enter goes from field to field, so that half a form is never sent by mistake.
 */
export function makeForm(options, ...children) {
  const {
    name,
    className = '',
    submitLabel,
    request,
    done,
    cancel,
    danger = false,
    stepwise = false,
    onProblem,
  } = options;
  const status = h('div.form-status', { role: 'status', 'aria-live': 'polite' });
  const send = h(
    'button.primary',
    { type: 'submit', class: danger ? 'danger' : '', title: t('form.send') },
    submitLabel
  );
  const form = h('form', { class: className, novalidate: true }, children, status,
    h('div.buttons', send, cancel && h('button', { type: 'button', onclick: cancel }, t('app.cancel'))));
  const draft = keepDraft(form, `draft.${name}`, status);
  if (store.read(`pending.${name}`)) replace(status, h('div.problem', h('p', t('form.unknown'))));
  formKeys(form, stepwise);
  let busy = false;
  const setBusy = (is) => { busy = is; send.disabled = is; form.setAttribute('aria-busy', String(is)); };
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    try {
      const wanted = await wish(form, draft.initial, request, status);
      if (!wanted) return;
      replace(status, h('p.small', t('form.sending')));
      const { result, settled } = await submit(name, wanted.method ?? 'POST', wanted.path, wanted.body,
        (round) => replace(status, h('p.small', t('form.waiting', { n: number(round) }))));
      replace(status);
      if (!settled) draft.end();
      done(result, settled);
    } catch (error) {
      if (error.name !== 'AbortError') showProblem(form, status, error, onProblem);
    } finally { setBusy(false); }
  });
  return form;
}

function missing(form) {
  const faults = {};
  for (const control of controls(form)) {
    if (control.hasAttribute('data-typed')) { faults[control.name] = t('fault.not_an_organization'); continue; }
    if (!control.required) continue;
    const value = control.type === 'radio' ? form.elements[control.name].value : control.value.trim();
    if (!value) faults[control.name] = t(control.type === 'hidden' ? 'fault.not_an_organization' : 'fault.missing');
  }
  return faults;
}

/** Sends a button's command (no form) and says what the server answered. */
export async function command(button, { name, path, body }, said, done) {
  button.disabled = true;
  try {
    const { result } = await submit(name, 'POST', path, body, (n) => announce(t('form.waiting', { n: number(n) })));
    announce(said);
    done(result);
  } catch (error) {
    if (error.name !== 'AbortError') announce(problemView(error), { urgent: true });
  } finally { button.disabled = false; }
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    announce(t('app.copied'));
  } catch { announce(t('app.copyFailed'), { urgent: true }); }
}
