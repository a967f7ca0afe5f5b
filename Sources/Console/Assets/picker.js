// The picker of organisations, after the ARIA combobox pattern.
import { t } from './language.js';
import { fold } from './text.js';
import { append, freshID, h, replace } from './dom.js';
import { organizations, organizationName } from './directory.js';

/** The organisations that `typed` words find, those of `preferred` first. */
function found(typed, preferred, except) {
  const rank = (code) => { const place = preferred.indexOf(code); return place < 0 ? preferred.length : place; };
  return organizations().filter((one) => !except.includes(one.code))
    .filter((one) => typed.every((word) => one.search.includes(word)))
    .sort((a, b) => rank(a.code) - rank(b.code)).slice(0, 40);
}

function option(one, id, isUsual, choose) {
  return h('li', {
    id, role: 'option', 'aria-selected': 'false',
    onpointerdown: (event) => { event.preventDefault(); choose(one.code); },
  }, h(
    'span',
    one.name,
    isUsual && h('small', ` · ${t('pick.usual')}`)
  ), h('bdi.code.small', { dir: 'ltr' }, one.code));
}

/** The list below the box: what is shown, which one is marked. */
function listbox(box, choose) {
  const id = freshID('list');
  const list = h('ul.options', { id, role: 'listbox', hidden: true });
  let shown = [];
  let active = -1;
  box.setAttribute('aria-controls', id);
  const close = () => {
    list.hidden = true;
    box.setAttribute('aria-expanded', 'false');
    box.removeAttribute('aria-activedescendant');
    active = -1;
  };
  const mark = (index) => {
    active = index;
    [...list.children].forEach((each, position) => each.setAttribute('aria-selected', String(position === index)));
    const marked = list.children[index];
    if (!marked) return;
    box.setAttribute('aria-activedescendant', marked.id);
    marked.scrollIntoView({ block: 'nearest' });
  };
  const open = (typed, preferred, except) => {
    shown = found(typed, preferred, except);
    replace(list, shown.map((one, index) => option(one, `${id}-${index}`, one.code === preferred[0], choose)));
    if (!shown.length) append(list, h('li.none', t('pick.none')));
    list.hidden = false;
    box.setAttribute('aria-expanded', 'true');
    mark(typed.length ? 0 : -1);
  };
  const step = (by) => mark(Math.min(Math.max(active + by, 0), shown.length - 1));
  return {
    list,
    open,
    close,
    step,
    get isOpen() { return !list.hidden; },
    get marked() { return shown[active]?.code; },
  };
}

/**
 * A search box over all organisations. Its hidden input `name` holds the code; `data-typed` on it says that words stand
 * in the box of which no organisation was chosen. `first` are codes to offer before any typing; `except` are codes that
 * may not be chosen.
 */
export function organizationPicker(name, { first = [], except = [], value = '' } = {}) {
  const hidden = h('input', { type: 'hidden', name, value });
  const box = h('input', {
    type: 'text', role: 'combobox', autocomplete: 'off', 'aria-autocomplete': 'list', 'aria-expanded': 'false',
    placeholder: t('pick.search'),
  });
  let preferred = first;
  const note = () => { hidden.toggleAttribute('data-typed', !hidden.value && box.value.trim() !== ''); };
  const choose = (code) => {
    hidden.value = code;
    box.value = code ? organizationName(code) : '';
    options.close();
    note();
    hidden.dispatchEvent(new Event('change', { bubbles: true }));
  };
  const options = listbox(box, choose);
  const open = () => {
    const isChosen = hidden.value && box.value === organizationName(hidden.value);
    options.open(isChosen ? [] : fold(box.value).split(' ').filter(Boolean), preferred, except);
  };
  box.addEventListener('input', () => { hidden.value = ''; note(); open(); });
  box.addEventListener('click', open);
  box.addEventListener('blur', () => {
    // Leaving the box takes the organisation that was marked while typing, or the one whose code was typed.
    const exact = organizations().find((one) => one.code === box.value.trim().toUpperCase());
    const taken = hidden.value || !box.value.trim() ? null : options.marked ?? exact?.code;
    options.close();
    if (taken && !except.includes(taken)) choose(taken);
  });
  box.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown') {
      event.preventDefault();
      if (!options.isOpen) open();
      options.step(1);
    }
    if (event.key === 'ArrowUp') { event.preventDefault(); options.step(-1); }
    if (event.key === 'Enter' && options.isOpen && options.marked && !event.ctrlKey) {
      event.preventDefault();
      choose(options.marked);
    }
    if (event.key === 'Escape' && options.isOpen) { event.stopPropagation(); options.close(); }
  });
  hidden.addEventListener(
    'restore',
    () => { box.value = hidden.value ? organizationName(hidden.value) : ''; note(); }
  );
  if (value) box.value = organizationName(value);
  const element = h('div.picker', box, options.list, hidden);
  element.prefer = (codes) => { preferred = codes; };
  return element;
}
