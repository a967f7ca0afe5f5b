// Talks to this server's REST interface: sessions and problem documents.
import { known, t } from './language.js';

/** Who is signed in, where, and which doors the server offers him. */
export const session = { principal: null, csrf: null, server: null, doors: [] };

/** Why a request failed. `unknown` is true when nobody can say whether the server did it. */
export class Problem extends Error {
  constructor({ status = 0, type = '', title = '', detail = '', errors = [], ...rest }) {
    super(title || detail || `HTTP ${status}`);
    Object.assign(this, { status, type, title, detail: detail ?? '', errors: errors ?? [], rest });
    this.kind = problemKind(type, status);
    this.unknown = status === 0 || status === 502 || status === 503 || status === 504 || status === 500;
  }

  /** In the page's language. */
  get sentence() { return t(`problem.${this.kind}`); }

  /** Why the life cycle refused, if the server named one of its reasons. */
  get reason() { return this.rest.reason ? t(`reason.${this.rest.reason}`) : null; }
}

// Answers that are no problem documents of ours, such as a proxy's.
const kindsByStatus = {
  0: 'network', 400: 'bad-request', 401: 'unauthorized', 403: 'forbidden', 404: 'not-found',
  408: 'timeout', 413: 'too-large',
  422: 'invalid', 429: 'rate-limited', 500: 'server', 502: 'unavailable', 503: 'unavailable', 504: 'timeout',
};

/** The last part of the problem's type: a code of the vocabulary. */
function problemKind(type, status) {
  const name = String(type).split(':').pop();
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

/** Who is signed in, and where. */
export async function whoAmI() {
  const me = await get('/me');
  Object.assign(session, { principal: me.principal, csrf: me.csrf_token, server: me.server, doors: me.doors });
  return session;
}
