// Submissions that are never lost and never doubled: tried again under the same key until their fate is known.
import { api, Problem } from './api.js';
import { store } from './drafts.js';

export function randomKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(
    crypto.getRandomValues(new Uint8Array(16)),
    (byte) => byte.toString(16).padStart(2, '0')
  ).join('');
}

const waits = [2000, 5000, 12000];
const pause = (milliseconds) => new Promise((resume) => {
  setTimeout(resume, milliseconds * (0.7 + Math.random() * 0.6));
});

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
