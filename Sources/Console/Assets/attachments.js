// The files of a case: what each is called, how much of it is here, and the way to add one.
import { t } from './language.js';
import { sizeText } from './text.js';
import { announce, bdi, h, icon, replace, when } from './dom.js';
import { get, session, Problem } from './api.js';
import { randomKey } from './sending.js';
import { offered } from './actions.js';
import { actorView } from './actors.js';
import { problemView } from './forms.js';

const limit = 4 * 1024 ** 3;

function row(one, file) {
  const name = file.name ?? t('file.nameless');
  const isHere = file.present === file.size;
  const shown = file.name ? bdi(name) : h('span.muted', name);
  const path = `/api/v1/cases/${encodeURIComponent(one.id)}/attachments/${file.sha256}`;
  const state = isHere ? null : h('p.small.muted', icon('clock'),
    t('file.onItsWay', { n: sizeText(file.present), all: sizeText(file.size) }));
  return h('li.file', h('div.file-name', icon(file.hidden ? 'lock' : 'inbox'),
    file.hidden ? h(
      'span.muted',
      t('case.hiddenEntry')
    ) : isHere ? h('a', { href: path, download: name }, shown) : shown,
    h('span.small.muted', ' ', sizeText(file.size))),
  h('p.small.muted', actorView(file), ' · ', when(file.occurred_at)), state);
}

/** Sends a file as it is; `progress` hears the bytes that have left. The same file under the same key counts once. */
function send(one, file, key, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(
      'POST',
      `/api/v1/cases/${encodeURIComponent(one.id)}/attachments?name=${encodeURIComponent(file.name)}`
    );
    request.setRequestHeader('Content-Type', file.type || 'application/octet-stream');
    request.setRequestHeader('Idempotency-Key', key);
    if (session.csrf) request.setRequestHeader('X-CSRF-Token', session.csrf);
    request.upload.onprogress = (event) => progress(event.loaded);
    request.onerror = () => reject(new Problem({ status: 0, type: 'network' }));
    request.onload = () => {
      let document = {};
      try { document = JSON.parse(request.responseText); } catch { /* A proxy's page; the status says enough. */ }
      if (request.status >= 200 && request.status < 300) resolve(document);
      else reject(new Problem({ ...document, status: request.status }));
    };
    request.send(file);
  });
}

// Outlives a redraw, so that the same file tried again is the same submission.
const keys = new WeakMap();

function control(one, changed) {
  const status = h('div.form-status', { role: 'status', 'aria-live': 'polite' });
  // The browser's own button speaks the browser's language; this one the page's.
  const chosen = h('span.small.muted');
  const picker = h('input.unseen', { type: 'file', id: 'attach-file', name: 'file' });
  picker.addEventListener('change', () => replace(chosen, picker.files[0] ? bdi(picker.files[0].name) : null));
  const meter = h('progress', { max: 1, value: 0, hidden: true, 'aria-label': t('file.progress') });
  const button = h('button', { type: 'submit' }, icon('plus'), t('file.send'));
  const submit = async (event) => {
    event.preventDefault();
    const file = picker.files[0];
    if (!file) { replace(status, h('p.fault', t('file.choose'))); return; }
    if (file.size === 0 || file.size > limit) {
      replace(status, h('p.fault', t(file.size ? 'fault.file_too_large' : 'fault.empty_file')));
      return;
    }
    if (!keys.has(file)) keys.set(file, randomKey());
    button.disabled = true;
    meter.hidden = false;
    replace(status, t('file.sending'));
    try {
      const document = await send(one, file, keys.get(file), (loaded) => { meter.value = loaded / file.size; });
      announce(t('file.done'));
      await changed(document);
    } catch (error) {
      replace(status, problemView(error));
    } finally {
      button.disabled = false;
      meter.hidden = true;
    }
  };
  return h('form.attach', { onsubmit: submit, novalidate: true },
    h('div.buttons', picker, h('label.button', { for: 'attach-file' }, t('file.add')), chosen, button),
    h('p.hint', t('file.hint')), meter, status);
}

/** Draws the card into `slot`; a file that is on its way is looked at again until it is here or the page is left. */
export async function attachmentsView(slot, context, signal) {
  const { one, changed } = context;
  let files;
  try {
    files = (await get(`/cases/${encodeURIComponent(one.id)}/attachments`, { signal })).items;
  } catch (error) {
    if (!signal.aborted) replace(slot, h('section.card', h('h2', t('file.title')), problemView(error)));
    return;
  }
  const mayAttach = offered(one, 'attachments');
  if (!files.length && !mayAttach) { replace(slot); return; }
  const list = h('ul.files', files.map((file) => row(one, file)));
  replace(slot, h('section.card', h('h2', t('file.title')),
    files.length ? list : h('p.muted', t('file.none')), mayAttach && control(one, changed)));
  if (files.some((file) => file.present < file.size)) watch(list, context, signal);
}

function watch(list, { one }, signal) {
  const timer = setInterval(async () => {
    if (signal.aborted || !list.isConnected) { clearInterval(timer); return; }
    try {
      const files = (await get(`/cases/${encodeURIComponent(one.id)}/attachments`, { signal })).items;
      replace(list, files.map((file) => row(one, file)));
      if (files.every((file) => file.present === file.size)) clearInterval(timer);
    } catch { /* The next look may reach the server. */ }
  }, 5000);
  signal.addEventListener('abort', () => clearInterval(timer));
}
