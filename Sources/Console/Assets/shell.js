// The frame of every signed-in page: header, sections, shortcuts, routes by the address's hash.
import { lang, switchLanguage, t, term } from './language.js';
import { clock } from './dates.js';
import { announce, append, bdi, h, icon, replace } from './dom.js';
import { api, session, reachability, whoAmI, Problem } from './api.js';
import { store } from './drafts.js';
import { loadDirectory, organizationName, provinceName } from './directory.js';
import { problemView } from './forms.js';

const shortcuts = [];

/** Registers a key by its place on the keyboard, so that it works under a Persian layout too. */
export function shortcut(code, label, action, {
  shown = code.replace(/^Key|^Digit/, ''),
  view = null,
  shift = false,
} = {}) {
  shortcuts.push({ code, label, action, shown, view, shift });
}

const typing = (target) => target.closest?.('input,select,textarea,[contenteditable]');

function onKey(event) {
  if (event.key === 'Escape') { closeNearest(event); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(
    event.target
  ) || document.querySelector('dialog[open]')) return;
  const hit = shortcuts.find(
    (one) => one.code === event.code && one.shift === event.shiftKey && (!one.view || one.view === current.view)
  );
  if (!hit) return;
  event.preventDefault();
  hit.action(event);
}

function closeNearest(event) {
  const cancel = event.target.closest?.('form')?.querySelector('[data-cancel]');
  if (cancel) cancel.click();
  else if (typing(event.target)) event.target.blur();
}

/** A modal dialog that gives the focus back where it was. */
export function openDialog(title, ...children) {
  const before = document.activeElement;
  const dialog = h('dialog', { 'aria-label': title },
    h(
      'header',
      h('h2', title),
      h(
        'button.plain.close',
        { type: 'button', 'aria-label': t('app.close'), onclick: () => dialog.close() },
        icon('cross')
      )
    ),
    ...children);
  dialog.addEventListener('close', () => { dialog.remove(); before?.focus?.(); });
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

function showHelp() {
  const seen = new Set();
  const rows = shortcuts.filter((one) => !seen.has(one.label) && seen.add(one.label));
  openDialog(
    t('key.title'),
    h('dl.keys', rows.map((one) => [h('dt', h('kbd', { dir: 'ltr' }, one.shown)), h('dd', t(one.label))]),
      h(
        'dt',
        h('kbd', { dir: 'ltr' }, 'Ctrl Enter')
      ), h('dd', t('key.send')), h('dt', h('kbd', 'Esc')), h('dd', t('key.close')))
  );
}

// Routes

let current = { view: null, leave: new AbortController() };
let table = {};
let main;
let home = '';

/** `#/case/ID?x=1` → `{ view: 'case', argument: 'ID', query }`. */
function parse() {
  const [path, search] = location.hash.replace(/^#\/?/, '').split('?');
  const [view, ...rest] = path.split('/');
  return {
    view: view || home,
    argument: rest.map(decodeURIComponent).join('/'),
    query: new URLSearchParams(search ?? ''),
  };
}

export const go = (view, argument = '', query = {}) => {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  location.hash = `#/${view}${argument ? `/${encodeURIComponent(argument)}` : ''}${search ? `?${search}` : ''}`;
};
export const linkTo = (view, argument = '', query = {}) => {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  return `#/${view}${argument ? `/${encodeURIComponent(argument)}` : ''}${search ? `?${search}` : ''}`;
};

async function show(focus = true) {
  const place = parse();
  current.leave.abort();
  const leave = new AbortController();
  current = { ...place, leave };
  for (const link of document.querySelectorAll('nav.sections a')) {
    if (link.dataset.view === place.view) link.setAttribute(
      'aria-current',
      'page'
    ); else link.removeAttribute('aria-current');
  }
  const view = table[place.view];
  main.dataset.view = place.view;
  const body = h('div.view', h('p.loading', t('app.loading')));
  replace(main, body);
  if (!view) { replace(body, h('h1', t('app.notFound'))); return; }
  try {
    await view({ ...place, body, signal: leave.signal, reload: () => show(false) });
  } catch (error) {
    if (leave.signal.aborted) return;
    if (!(error instanceof Problem)) console.error(error);
    replace(
      body,
      h('h1', t(`nav.${place.view}`)),
      problemView(error),
      h('button', { type: 'button', onclick: () => (error.reload ? location.reload() : show()) }, t('app.retry'))
    );
  }
  if (leave.signal.aborted) return;
  const heading = main.querySelector('h1');
  document.title = `${heading?.textContent ?? ''} · ${t('app.name')}`;
  if (focus && heading && !main.contains(
    document.activeElement
  )) { heading.tabIndex = -1; heading.focus({ preventScroll: true }); window.scrollTo(0, 0); }
}

async function signOut() {
  try { await api('DELETE', '/session', { stay: true }); } finally {
    store.clear();
    location.assign('/login');
  }
}

function header(sections) {
  const place = session.server.kind === 'hub' ? t('app.hub') : t(
    'app.province',
    { name: provinceName(session.server.code) }
  );
  const leave = () => { if (!store.hasDrafts || window.confirm(t('app.signOutDrafts'))) signOut(); };
  return h('header.top',
    h('a.brand', { href: '#/' }, icon('star'), h('strong', t('app.name')), h('span', place)),
    h(
      'nav.sections',
      { 'aria-label': t('app.menu') },
      sections.map((view) => h('a', { href: `#/${view}`, 'data-view': view }, t(`nav.${view}`)))
    ),
    h('div.user',
      h(
        'span.who',
        bdi(session.principal.name),
        h('small', `${term('role', session.principal.role)} · ${organizationName(session.principal.organization)}`)
      ),
      h(
        'button.plain',
        { type: 'button', 'data-help': true, title: t('app.help'), 'aria-label': t('app.help'), onclick: showHelp },
        h('kbd', lang === 'fa' ? '؟' : '?')
      ),
      h(
        'button.plain',
        {
          type: 'button',
          lang: lang === 'fa' ? 'en' : 'fa',
          title: t('app.languageTitle'),
          onclick: switchLanguage,
        },
        t('app.language')
      ),
      h('button.plain', { type: 'button', onclick: leave }, t('app.signOut'))));
}

/** Shows when this page no longer reaches its server, and since when what it shows is old. */
function reachBanner() {
  const banner = h('p.banner.cut', { role: 'status', hidden: true });
  let last = Date.now();
  reachability.add((reached) => {
    if (reached && !banner.hidden) announce(t('app.reachable'));
    if (reached) last = Date.now();
    banner.hidden = reached;
    if (!reached) replace(banner, icon('alert'), t('app.unreachable', { time: clock(last) }));
  });
  window.addEventListener('offline', () => reachability.forEach((listener) => listener(false)));
  // Whether the server is there too, only a request tells; its answer calls the listener above.
  window.addEventListener('online', () => { api('GET', '/me').catch(() => {}); });
  return banner;
}

/** Starts a page: who is here, the names, the frame, then the view that the address asks for. */
export async function start({ views, strip }) {
  const root = document.getElementById('app');
  try {
    await whoAmI();
    await loadDirectory();
  } catch (error) {
    if (error.status === 401) return;
    replace(
      root,
      h(
        'main',
        { id: 'main' },
        h('h1', t('app.name')),
        problemView(error),
        h('button.primary', { type: 'button', onclick: () => location.reload() }, t('app.retry'))
      )
    );
    setTimeout(() => location.reload(), 15000 + Math.random() * 15000);
    return;
  }
  table = views;
  const shown = session.doors.filter((door) => views[door]);
  [home] = shown;
  main = h('main', { id: 'main' });
  replace(
    root,
    h(
      'a.skip',
      { href: '#main', onclick: (event) => { event.preventDefault(); main.querySelector('h1')?.focus(); } },
      t('app.skip')
    ),
    header(shown),
    reachBanner(),
    strip?.(),
    main
  );
  shortcut('Slash', 'key.help', showHelp, { shown: '?', shift: true });
  shortcut('Slash', 'nav.cases', () => {
    const box = document.querySelector('input[type=search]');
    if (box) box.focus(); else go(session.server.kind === 'hub' ? 'cases' : 'inbox', '', { focus: '1' });
  }, { shown: '/' });
  const letters = {
    dashboard: 'KeyD',
    inbox: 'KeyI',
    register: 'KeyN',
    conflicts: 'KeyC',
    proposals: 'KeyP',
    report: 'KeyG',
  };
  for (const view of shown) if (letters[view]) shortcut(letters[view], `nav.${view}`, () => go(view));
  document.addEventListener('keydown', onKey);
  window.addEventListener('hashchange', () => show());
  await show(false);
}

/** Roving through rows with J and K; Enter follows the row's link. */
export function rowKeys() {
  const move = (step) => {
    const rows = [...document.querySelectorAll('[data-row]')];
    const here = rows.findIndex((row) => row === document.activeElement || row.contains(document.activeElement));
    rows[Math.min(Math.max(here + step, 0), rows.length - 1)]?.focus();
  };
  shortcut('KeyJ', 'key.next', () => move(1));
  shortcut('KeyK', 'key.previous', () => move(-1));
}

/** Keys of a case page; each presses the button of its action where that is offered. */
export function caseKeys() {
  const press = (name) => () => document.querySelector(`[data-action="${name}"]`)?.click();
  shortcut('KeyM', 'key.note', press('notes'), { view: 'case' });
  shortcut('KeyR', 'key.refer', press('referral'), { view: 'case' });
  shortcut('KeyA', 'key.answer', press('answer'), { view: 'case' });
}

/**
 * A view whose module is fetched when it is first wanted, or once the page has rested: the first view comes soon on a
 * poor line, and the others are there when it fails.
 */
export function later(module, name) {
  const load = async () => {
    try {
      return await module();
    } catch { throw Object.assign(new Problem({ status: 0, type: 'network' }), { reload: true }); }
  };
  setTimeout(
    () => load().catch(() => {}),
    2500
  ); // Only a head start: the view itself asks again, and says what fails.
  return async (context) => (await load())[name](context);
}

/** A list that grows page by page: `load(cursor)` answers `{ items, next }`. */
export function pager({ load, render, target, empty, signal, onCount = () => {} }) {
  const more = h('button', { type: 'button', hidden: true }, t('list.next'));
  const note = h('div');
  let cursor = null;
  let count = 0;
  const step = async () => {
    more.disabled = true;
    replace(note);
    try {
      const data = await load(cursor);
      if (signal.aborted) return;
      const list = data?.items ?? [];
      append(target, list.map(render));
      count += list.length;
      cursor = data?.next ?? null;
      more.hidden = !cursor;
      onCount(count, Boolean(cursor));
      if (!count) replace(note, h('p.empty', empty));
    } catch (error) {
      if (signal.aborted) return;
      more.hidden = false;
      replace(note, problemView(error));
      more.textContent = t('app.retry');
    } finally { more.disabled = false; }
  };
  more.addEventListener('click', async () => {
    const first = target.children.length;
    more.textContent = t('list.next');
    await step();
    (target.children[first]?.querySelector('[data-row]') ?? target.children[first])?.focus?.();
  });
  return { element: h('div.pager', note, more), start: step };
}
