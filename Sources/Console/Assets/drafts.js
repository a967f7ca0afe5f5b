// What is typed and not yet saved lives in this tab until the server has answered for good.
import { session } from './api.js';

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
