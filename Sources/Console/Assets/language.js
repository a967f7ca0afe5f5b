// The language of the pages: their own words, and the vocabulary of codes that the server reads too.

export const lang = storedLanguage();
const { words } = await import(lang === 'en' ? './strings.en.js' : './strings.js');
// The words for codes; the server reads the same file.
const vocabulary = await (await fetch(new URL('./vocabulary.json', import.meta.url))).json();
document.documentElement.lang = lang;
document.documentElement.dir = lang === 'fa' ? 'rtl' : 'ltr';

function storedLanguage() {
  try {
    return localStorage.getItem('language') === 'en' ? 'en' : 'fa';
  } catch {
    return 'fa'; // Storage may be forbidden; Persian is the default.
  }
}

export function switchLanguage() {
  try { localStorage.setItem('language', lang === 'fa' ? 'en' : 'fa'); } catch { return; }
  location.reload();
}

/** The word under `key`; the key's last part where there is none, so that a newer server's terms still show. */
export function t(key, params = {}) {
  const word = words[key] ?? coded(key) ?? key.slice(key.indexOf('.') + 1);
  return word.replace(/\{(\w+)\}/g, (whole, name) => params[name] ?? whole);
}

/** The vocabulary's word for `family.code`. */
function coded(key) {
  const place = key.indexOf('.');
  return vocabulary[key.slice(0, place)]?.[key.slice(place + 1)]?.[lang];
}

/** True where there is a word for the key. */
export const known = (key) => key in words || coded(key) !== undefined;

/** The codes of a family, in the vocabulary's order. */
export const codes = (family) => Object.keys(vocabulary[family] ?? {});

/** A code in words; an unknown one as it is. */
export const term = (family, code) => (known(`${family}.${code}`) ? t(`${family}.${code}`) : code ?? t('app.none'));

/** `[code, word]` for forms. */
export const choices = (family, offered = codes(family)) => offered.map((code) => [code, term(family, code)]);
