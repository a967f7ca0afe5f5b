// The hub's server-sent events: the figures as they stand, what moves them, and an honest word when the line is cut.
import { get, signIn } from './api.js';

function takeSnapshot(state, overview) {
  state.overview = overview;
  state.provinces = new Map(overview.provinces.map((province) => [province.code, province]));
}

function takeChange(state, change) {
  if (!state.overview) return;
  const later = Date.parse(change.at) > Date.parse(state.overview.as_of) ? change.at : state.overview.as_of;
  Object.assign(state.overview, change.totals, { position: change.position, as_of: later });
  if (change.province) state.provinces.set(change.province.code, change.province);
}

const takeLink = (state, province) => state.provinces.set(province.code, province);

/** The browser gave up: either the session has ended, or the hub is away and is tried again. */
async function afterLoss(open) {
  try {
    await get('/me', { stay: true, timeout: 8000 });
  } catch (error) {
    if (error.status === 401) { signIn(); return; }
  }
  open();
}

/**
 * Keeps `state` = `{ overview, provinces: Map, connected, cutSince, changes }` and calls `onState()` at most four times
 * a second, `onChange(change)` for each event. Ends with `signal`.
 */
export function openFeed({ signal, onState, onChange }) {
  const state = { overview: null, provinces: new Map(), connected: false, cutSince: null, lastMessage: 0 };
  let source = null;
  let attempts = 0;
  let timer = null;
  let scheduled = false;
  const changed = () => {
    if (scheduled) return;
    scheduled = true;
    setTimeout(() => { scheduled = false; if (!signal.aborted) onState(state); }, 250);
  };
  const heard = () => {
    state.connected = true;
    state.cutSince = null;
    state.lastMessage = Date.now();
    attempts = 0;
    changed();
  };
  const cut = () => {
    state.connected = false;
    state.cutSince ??= Date.now();
    changed();
  };
  const open = () => {
    if (signal.aborted) return;
    source?.close();
    source = new EventSource('/api/v1/feed');
    source.addEventListener('open', heard);
    source.addEventListener('snapshot', (event) => { takeSnapshot(state, JSON.parse(event.data)); heard(); });
    source.addEventListener('change', (event) => {
      const change = JSON.parse(event.data);
      takeChange(state, change);
      onChange(change);
      heard();
    });
    source.addEventListener('link', (event) => { takeLink(state, JSON.parse(event.data)); heard(); });
    source.addEventListener('error', () => {
      cut();
      if (source.readyState !== EventSource.CLOSED) return; // The browser itself resumes from the last id.
      attempts += 1;
      clearTimeout(timer);
      timer = setTimeout(() => afterLoss(open), Math.min(1000 * 2 ** attempts, 30000) * (0.5 + Math.random() / 2));
    });
  };

  // A line may die without a sign, and deadlines pass without an event: look again when it has been quiet for a minute.
  const watch = setInterval(async () => {
    if (document.hidden || Date.now() - state.lastMessage < 60000) return;
    try {
      const overview = await get('/overview', { signal, timeout: 10000 });
      const missed = state.overview && overview.position > state.overview.position;
      takeSnapshot(state, overview);
      if (missed || !state.connected) open(); else heard();
    } catch (error) { if (error.name !== 'AbortError') cut(); }
  }, 20000);

  const again = () => { if (!state.connected) open(); };
  window.addEventListener('online', again);
  window.addEventListener('offline', cut);
  signal.addEventListener('abort', () => {
    source?.close();
    clearTimeout(timer);
    clearInterval(watch);
    window.removeEventListener('online', again);
    window.removeEventListener('offline', cut);
  }, { once: true });
  open();
  return state;
}
