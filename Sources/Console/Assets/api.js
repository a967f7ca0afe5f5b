// Talks to this server's REST interface: sessions, problem documents, and submissions that are never lost or doubled.
import { t, known } from './common.js';

export const session = { principal: null, csrf: null, server: null };

/** Why a request failed. `unknown` is true when nobody can say whether the server did it. */
export class Problem extends Error {
  constructor({ status = 0, type = '', title = '', detail = '', errors = [], ...rest }) {
    super(title || detail || `HTTP ${status}`);
    Object.assign(this, { status, type, title, detail: detail ?? '', errors: errors ?? [], rest });
    this.kind = problemKind(type, status);
    this.unknown = status === 0 || status === 502 || status === 503 || status === 504 || status === 500;
  }

  /** In the page's language; the server's own words follow where they say more. */
  get sentence() { return t(`problem.${this.kind}`); }

  /** Why the life cycle refused, if the server named one of its reasons. */
  get reason() { return this.rest.reason ? t(`reason.${this.rest.reason}`) : null; }
}

const kindsByStatus = {
  0: 'network', 400: 'bad-request', 401: 'unauthorized', 403: 'forbidden', 404: 'not-found', 408: 'timeout', 413: 'too-large',
  422: 'invalid', 429: 'rate-limited', 500: 'server', 502: 'unavailable', 503: 'unavailable', 504: 'timeout',
};

/** The last part of the problem's type, as the dictionary spells it: `…/notTheSeat` and `…/not_the_seat` alike. */
function problemKind(type, status) {
  const name = String(type).split(/[/:#]/).pop().replace(/([a-z])([A-Z])/g, '$1-$2').replace(/_/g, '-').toLowerCase();
  return known(`problem.${name}`) ? name : kindsByStatus[status] ?? 'other';
}

/** Goes to the sign-in page and comes back here afterwards. */
export function signIn() {
  const here = location.pathname + location.search + location.hash;
  location.assign(`/login?next=${encodeURIComponent(here)}`);
}

/** Hears of every success and failure of reaching the server: `(reached: boolean) => void`. */
export const reachability = new Set();
const report = (reached) => reachability.forEach((listener) => listener(reached));

/**
 * One request to `/api/v1` + path. Throws `Problem`; leaves for the sign-in page on 401 unless `stay`.
 * `query` values that are null, false or empty are left out.
 */
export async function api(method, path, { body, key, query, signal, stay = false, timeout = 20000 } = {}) {
  const url = new URL(`/api/v1${path}`, location.origin);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== null && value !== undefined && value !== false && value !== '') url.searchParams.set(name, value);
  }
  const headers = { Accept: 'application/json' };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (key) headers['Idempotency-Key'] = key;
  if (method !== 'GET' && session.csrf) headers['X-CSRF-Token'] = session.csrf;
  const control = new AbortController();
  const timer = setTimeout(() => control.abort(), timeout);
  const leave = () => control.abort();
  signal?.addEventListener('abort', leave);
  try {
    const response = await fetch(url, {
      method, headers, credentials: 'same-origin', signal: control.signal,
      body: typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    report(true);
    if (response.ok) return text ? JSON.parse(text) : null;
    if (response.status === 401 && !stay) signIn();
    throw new Problem({ ...problemDocument(text), status: response.status });
  } catch (error) {
    if (error instanceof Problem) throw error;
    if (signal?.aborted) throw new DOMException('left', 'AbortError');
    report(false);
    throw new Problem({ status: 0, type: error.name === 'AbortError' ? 'timeout' : 'network' });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', leave);
  }
}

function problemDocument(text) {
  try {
    const document = JSON.parse(text);
    return document && typeof document === 'object' ? document : {};
  } catch {
    return {}; // A proxy's page; the status says enough.
  }
}

export const get = (path, options) => api('GET', path, options);

export function randomKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// Drafts and pending submissions live in this tab until the server has answered for good.

const owner = () => session.principal?.name ?? '';
export const store = {
  read(name) {
    try { return JSON.parse(sessionStorage.getItem(`${owner()}:${name}`)); } catch { return null; }
  },
  write(name, value) {
    try {
      if (value === null) sessionStorage.removeItem(`${owner()}:${name}`);
      else sessionStorage.setItem(`${owner()}:${name}`, JSON.stringify(value));
    } catch { /* Full or forbidden: the text still stands in the form. */ }
  },
  clear() {
    try { sessionStorage.clear(); } catch { /* Nothing was kept. */ }
  },
  get hasDrafts() {
    try {
      return Object.keys(sessionStorage).some((name) => /:(draft|pending)\./.test(name));
    } catch { return false; }
  },
};

const waits = [2000, 5000, 12000];
const pause = (milliseconds) => new Promise((resume) => { setTimeout(resume, milliseconds * (0.7 + Math.random() * 0.6)); });

/**
 * Sends one form. The same text goes under the same key however often it is tried, so it counts once. If an earlier
 * text's fate is unknown it is settled first. Answers `{ result, settled }`; `settled` means: the earlier text was the
 * one that counted, and the new one was not sent.
 */
export async function submit(name, method, path, body, onWaiting = () => {}) {
  const text = JSON.stringify(body);
  const slot = `pending.${name}`;
  const pending = store.read(slot);
  if (pending && (pending.text !== text || pending.path !== path)) {
    try {
      const result = await attempt(pending, slot, onWaiting);
      return { result, settled: true };
    } catch (error) {
      if (!(error instanceof Problem) || error.unknown || error.status === 401 || error.status === 429) throw error;
    }
  }
  const fresh = store.read(slot) ?? { method, path, text, key: randomKey() };
  store.write(slot, fresh);
  return { result: await attempt(fresh, slot, onWaiting), settled: false };
}

async function attempt(pending, slot, onWaiting) {
  for (let round = 0; ; round += 1) {
    try {
      const result = await api(pending.method, pending.path, { body: pending.text, key: pending.key });
      store.write(slot, null);
      return result;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (!error.unknown && error.status !== 429 && error.status !== 401) store.write(slot, null);
      if (!error.unknown || error.kind === 'halted' || round >= waits.length) throw error;
      onWaiting(round + 1);
      await pause(waits[round]);
    }
  }
}

/** Who is signed in, and where. */
export async function whoAmI() {
  const me = await get('/me');
  Object.assign(session, { principal: me.principal, csrf: me.csrf_token, server: me.server });
  return session;
}

export async function signOut() {
  try { await api('DELETE', '/session', { stay: true }); } finally {
    store.clear();
    location.assign('/login');
  }
}
