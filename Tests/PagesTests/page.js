// Stands in for the browser: storage, the document's language, and a `fetch` that gives the pages' own files and, for
// the server, what a test has put into `server`.
import { readFile } from 'node:fs/promises';

class Storage {
  #entries = new Map();

  getItem(name) { return this.#entries.get(name) ?? null; }
  setItem(name, value) {
    this.#entries.set(name, String(value));
    this[name] = String(value); // So that Object.keys lists it, as in a browser.
  }
  removeItem(name) { this.#entries.delete(name); delete this[name]; }
  clear() { for (const name of [...this.#entries.keys()]) this.removeItem(name); }
}

/** `answers` are given in turn: `{ status, body }`, or an Error for a line that is cut. `requests` are those made. */
export const server = { answers: [], requests: [] };

const assets = new URL('../../Sources/Console/Assets/', import.meta.url);

export const read = (name) => readFile(new URL(name, assets), 'utf8');

async function fetchPage(address, options = {}) {
  const url = new URL(address);
  if (url.protocol === 'file:') return { json: async () => JSON.parse(await readFile(url, 'utf8')) };
  server.requests.push({
    path: url.pathname + url.search, method: options.method, body: options.body, headers: options.headers,
  });
  const answer = server.answers.shift();
  if (answer === undefined) throw new Error(`an answer is missing for ${url.pathname}`);
  if (answer instanceof Error) throw answer;
  const { status = 200, body = {} } = answer;
  return { ok: status < 300, status, text: async () => JSON.stringify(body) };
}

globalThis.document = { documentElement: {} };
globalThis.location = { origin: 'https://ir-03.example', pathname: '/', search: '', hash: '', assign() {} };
globalThis.localStorage = new Storage();
globalThis.sessionStorage = new Storage();
globalThis.fetch = fetchPage;

/** One of the pages' modules, in a language: of modules that are loaded already the first language holds. */
export const load = (name) => import(new URL(name, assets));
