// Signing in, by name and password or by an access token.
import { switchLanguage, t } from './language.js';
import { h, icon, replace } from './dom.js';
import { api, Problem } from './api.js';
import { randomKey } from './sending.js';
import { field, problemView, showFaults } from './forms.js';

const next = (() => {
  const wanted = new URLSearchParams(location.search).get('next') ?? '/';
  // Only this server's own pages: neither another host nor `//host`.
  return /^\/(?![/\\])/.test(wanted) ? wanted : '/';
})();

/** Somebody who was signed in within this tab comes back; a first visitor has lost nothing. */
const returning = next !== '/' && (() => { try { return sessionStorage.length > 0; } catch { return false; } })();

let byToken = false;
const root = document.getElementById('app');

function form() {
  const status = h('div.form-status', { role: 'status', 'aria-live': 'assertive' });
  const password = (name, complete) => h(
    'input',
    { name, type: 'password', autocomplete: complete, required: true, dir: 'ltr' }
  );
  const fields = byToken
    ? [field(t('login.token'), password('token', 'off'), { required: true })]
    : [
      field(
        t('login.name'),
        h(
          'input',
          { name: 'name', autocomplete: 'username', autocapitalize: 'off', spellcheck: 'false', dir: 'ltr' }
        ),
        { required: true }
      ),
      field(t('login.password'), password('password', 'current-password'), { required: true }),
    ];
  const send = h('button.primary', { type: 'submit' }, t('login.submit'));
  return h('form', { novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(event.currentTarget));
    const faults = Object.fromEntries(Object.entries(values).filter(
      ([, value]) => !value
    ).map(([name]) => [name, t('fault.missing')]));
    showFaults(event.currentTarget, faults);
    if (Object.keys(faults).length) return;
    send.disabled = true;
    replace(status, h('p.small', t('form.sending')));
    try {
      await api('POST', '/session', { body: values, key: randomKey(), stay: true });
      location.replace(next);
    } catch (error) {
      const refused = error instanceof Problem && (error.status === 401 || error.status === 403);
      replace(
        status,
        refused ? h(
          'div.problem',
          { role: 'alert' },
          t(byToken ? 'login.failedToken' : 'login.failed')
        ) : problemView(error)
      );
      send.disabled = false;
    }
  } }, fields, status, send);
}

function draw(focus) {
  const tab = (token, label) => h(
    'button',
    { type: 'button', 'aria-pressed': String(byToken === token), onclick: () => { byToken = token; draw(true); } },
    label
  );
  replace(root, h('main.login', { id: 'main' },
    h('div.login-mark', icon('star')),
    h('h1', t('login.title')), h('p.muted', t('login.lead')),
    returning && h('p.banner.info', icon('clock'), t('login.expired')),
    h(
      'div.card',
      h('div.segments', { role: 'group' }, tab(false, t('login.byPassword')), tab(true, t('login.byToken'))),
      form()
    ),
    h(
      'p.login-foot',
      h('a', { href: '/track' }, t('login.track')),
      ' · ',
      h('button.plain', { type: 'button', onclick: switchLanguage }, t('app.language'))
    )));
  document.title = t('login.title');
  if (focus) root.querySelector('input').focus();
}

draw(true);
