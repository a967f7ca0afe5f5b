// Forms: fields with their labels, hints and faults; drafts; sending; the picker of organisations.
import { h, t, replace, append, freshID, latin, fold, bdi, known, announce, number } from './common.js';
import { Problem, store, submit } from './api.js';
import { organizations, organizationName } from './directory.js';

/** A labelled control. `control` is an element with a name; faults appear below it. */
export function field(label, control, { hint, required = false, optional = false, className = '' } = {}) {
  const id = control.id || freshID('field');
  const target = control.matches('input,select,textarea') ? control : control.querySelector('input,select,textarea');
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

export const input = (name, properties = {}) => h('input', { name, type: 'text', autocomplete: 'off', ...properties });
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
  if (!(problem instanceof Problem)) return h('div.problem', { role: 'alert' }, h('strong', t('problem.other')), h('p', bdi(String(problem?.message ?? problem))));
  const words = problem.detail && !problem.reason ? problem.detail : null;
  return h('div.problem', { role: 'alert' }, h('strong', problem.sentence), problem.reason && h('p', problem.reason),
    words && h('p.small', { lang: 'en' }, bdi(words)));
}

/**
 * A form that keeps what is typed until the server has answered.
 * - name: names the draft and the pending submission in this tab.
 * - request(values, initial): `{ method, path, body }`, also later; throws `Faults`. `initial` is what the form showed first.
 * - done(result, settled): after the server said yes.
 */
export function makeForm({ name, className = '', submitLabel, request, done, cancel, danger = false, onProblem }, ...children) {
  const status = h('div.form-status', { role: 'status', 'aria-live': 'polite' });
  const send = h('button.primary', { type: 'submit', class: danger ? 'danger' : '', title: t('form.send') }, submitLabel);
  const form = h('form', { class: className, novalidate: true }, children, status,
    h('div.buttons', send, cancel && h('button', { type: 'button', onclick: cancel }, t('app.cancel'))));
  const slot = `draft.${name}`;
  const initial = valuesOf(form);
  const saveDraft = () => {
    const touched = Object.entries(valuesOf(form)).filter(([key, value]) => value !== (initial[key] ?? ''));
    store.write(slot, touched.length ? Object.fromEntries(touched) : null);
  };
  const draft = store.read(slot);
  if (draft) {
    for (const [key, value] of Object.entries(draft)) setValue(form, key, value);
    replace(status, h('p.small', t('form.draft'), ' ', h('button.plain', { type: 'button', onclick: () => {
      for (const [key, value] of Object.entries(initial)) setValue(form, key, value);
      store.write(slot, null);
      replace(status);
    } }, t('form.discard'))));
  }
  const unanswered = store.read(`pending.${name}`);
  if (unanswered) replace(status, h('div.problem', h('p', t('form.unknown'))));
  form.addEventListener('input', saveDraft);
  form.addEventListener('change', saveDraft);
  form.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(); }
  });
  let busy = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (busy) return;
    const faults = missing(form);
    let wanted = null;
    if (!Object.keys(faults).length) {
      try { wanted = await request(valuesOf(form), initial); } catch (error) {
        if (!(error instanceof Faults)) { replace(status, problemView(error)); return; }
        Object.assign(faults, error.faults);
      }
    }
    const rest = showFaults(form, faults);
    if (!wanted) { replace(status, h('div.problem', h('p', rest.length ? rest.join(' ') : t('form.errors')))); return; }
    busy = true;
    form.setAttribute('aria-busy', 'true');
    send.disabled = true;
    replace(status, h('p.small', t('form.sending')));
    try {
      const { result, settled } = await submit(name, wanted.method ?? 'POST', wanted.path, wanted.body,
        (round) => replace(status, h('p.small', t('form.waiting', { n: number(round) }))));
      replace(status);
      if (!settled) store.write(slot, null);
      done(result, settled);
    } catch (error) {
      if (error.name === 'AbortError') return;
      const named = Object.fromEntries((error.errors ?? []).filter((fault) => fault.field)
        .map((fault) => [fault.field, t(`fault.${fault.code}`, { limit: number(fault.limit) })]));
      showFaults(form, named);
      replace(status, error.unknown ? [problemView(error), h('p.small', t('form.unknown'))] : problemView(error),
        onProblem?.(error));
    } finally {
      busy = false;
      send.disabled = false;
      form.removeAttribute('aria-busy');
    }
  });
  return form;
}

function missing(form) {
  const faults = {};
  for (const control of controls(form)) {
    if (!control.required) continue;
    const value = control.type === 'radio' ? form.elements[control.name].value : control.value.trim();
    if (!value) faults[control.name] = t(control.type === 'hidden' ? 'pick.must' : 'form.required');
  }
  return faults;
}

/** A mobile number as `09…`, or a sentence in `fault`. */
export function mobileNumber(text) {
  const number = latin(text).replace(/[\s()\-\u200c\u200e\u200f]/g, '').replace(/^(\+|00)?98(?=9)/, '0').replace(/^9(?=\d{9}$)/, '09');
  return /^09\d{9}$/.test(number) ? { value: number } : { value: number, fault: t('form.mobile') };
}

/** A national ID of ten digits whose last one checks the others. */
export function nationalID(text) {
  const value = latin(text).replace(/[\s\-\u200c\u200e\u200f]/g, '');
  if (!/^\d{8,10}$/.test(value)) return { value, fault: t('form.nationalIDLength') };
  const ten = value.padStart(10, '0');
  const rest = [...ten].slice(0, 9).reduce((sum, digit, index) => sum + digit * (10 - index), 0) % 11;
  const good = Number(ten[9]) === (rest < 2 ? rest : 11 - rest) && !/^(\d)\1{9}$/.test(ten);
  return good ? { value: ten } : { value: ten, fault: t('form.nationalID') };
}

/**
 * A search box over all organisations, after the ARIA combobox pattern. Its hidden input `name` holds the code.
 * `first` are codes to offer before any typing; `except` are codes that may not be chosen.
 */
export function organizationPicker(name, { first = [], except = [], value = '' } = {}) {
  const listID = freshID('list');
  const hidden = h('input', { type: 'hidden', name, value });
  const list = h('ul.options', { id: listID, role: 'listbox', hidden: true });
  const box = h('input', {
    type: 'text', role: 'combobox', autocomplete: 'off', 'aria-autocomplete': 'list', 'aria-expanded': 'false',
    'aria-controls': listID, placeholder: t('pick.search'),
  });
  let shown = [];
  let active = -1;
  let preferred = first;
  const close = () => { list.hidden = true; box.setAttribute('aria-expanded', 'false'); box.removeAttribute('aria-activedescendant'); active = -1; };
  const choose = (code) => {
    hidden.value = code;
    box.value = code ? organizationName(code) : '';
    close();
    hidden.dispatchEvent(new Event('change', { bubbles: true }));
  };
  const mark = (index) => {
    active = index;
    [...list.children].forEach((option, position) => option.setAttribute('aria-selected', String(position === index)));
    const option = list.children[index];
    if (option) { box.setAttribute('aria-activedescendant', option.id); option.scrollIntoView({ block: 'nearest' }); }
  };
  const open = () => {
    const sought = fold(box.value).split(' ').filter(Boolean);
    const typed = hidden.value && box.value === organizationName(hidden.value) ? [] : sought;
    const rank = (code) => { const place = preferred.indexOf(code); return place < 0 ? preferred.length : place; };
    shown = organizations().filter((one) => !except.includes(one.code))
      .filter((one) => typed.every((word) => one.search.includes(word)))
      .sort((a, b) => rank(a.code) - rank(b.code)).slice(0, 40);
    replace(list, shown.map((one, index) => h('li', {
      id: `${listID}-${index}`, role: 'option', 'aria-selected': 'false',
      onpointerdown: (event) => { event.preventDefault(); choose(one.code); },
    }, h('span', one.name, rank(one.code) === 0 && preferred.length > 0 && h('small', ` · ${t('pick.usual')}`)), h('bdi.code.small', { dir: 'ltr' }, one.code))));
    if (!shown.length) append(list, h('li.none', t('pick.none')));
    list.hidden = false;
    box.setAttribute('aria-expanded', 'true');
    mark(typed.length ? 0 : -1);
  };
  box.addEventListener('input', () => { hidden.value = ''; open(); });
  box.addEventListener('click', open);
  box.addEventListener('blur', () => {
    close();
    const exact = organizations().find((one) => one.code === box.value.trim().toUpperCase());
    if (exact && !except.includes(exact.code)) choose(exact.code);
  });
  box.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown') { event.preventDefault(); if (list.hidden) open(); mark(Math.min(active + 1, shown.length - 1)); }
    if (event.key === 'ArrowUp') { event.preventDefault(); mark(Math.max(active - 1, 0)); }
    if (event.key === 'Enter' && !list.hidden && shown[active] && !event.ctrlKey) { event.preventDefault(); choose(shown[active].code); }
    if (event.key === 'Escape' && !list.hidden) { event.stopPropagation(); close(); }
  });
  hidden.addEventListener('restore', () => { box.value = hidden.value ? organizationName(hidden.value) : ''; });
  if (value) box.value = organizationName(value);
  const element = h('div.picker', box, list, hidden);
  element.prefer = (codes) => { preferred = codes; };
  return element;
}

/** A value of an enumeration in words; an unknown one as it is. */
export const term = (family, value) => (known(`${family}.${value}`) ? t(`${family}.${value}`) : value ?? t('app.none'));
export const choices = (family, values) => values.map((value) => [value, t(`${family}.${value}`)]);

/** Sends a button's command (no form) and says what the server answered. */
export async function command(button, name, path, body, word, done) {
  button.disabled = true;
  try {
    const { result } = await submit(name, 'POST', path, body, (n) => announce(t('form.waiting', { n: number(n) })));
    announce(t(word));
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
