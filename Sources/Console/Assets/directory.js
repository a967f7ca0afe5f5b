// Names that every page needs: regions, organisations and categories, asked of the server once a while.
import { lang, t } from './language.js';
import { fold } from './text.js';
import { items } from './dom.js';
import { get } from './api.js';
import { store } from './drafts.js';

/** The country's regions by code: `{ code, name, short, column, row }`; filled by `loadDirectory`. */
export const provinces = new Map();

export const provinceName = (code) => (
  code === 'hub' ? t('app.hub') : provinces.get(code)?.name ?? code ?? t('app.none')
);

let organizationList = [];
let organizationIndex = new Map();
let categoryList = [];
let categoryIndex = new Map();

/** Loads the lists, from this tab's memory where it is younger than ten minutes. */
export async function loadDirectory() {
  const kept = store.read('directory');
  if (kept?.regions && Date.now() - kept.at < 6e5) return take(kept);
  try {
    const [network, categories] = await Promise.all([get('/network'), everything('/categories')]);
    const fresh = { at: Date.now(), regions: network.regions, organizations: network.organizations, categories };
    store.write('directory', fresh);
    return take(fresh);
  } catch (error) {
    if (kept?.regions) return take(kept); // Old names are better than none.
    throw error;
  }
}

async function everything(path) {
  const all = [];
  for (let cursor = null, pages = 0; pages < 40; pages += 1) {
    const data = await get(path, { query: { cursor, limit: cursor ? 500 : null } });
    all.push(...items(data));
    cursor = data?.next ?? null;
    if (!cursor) break;
  }
  return all;
}

function take(lists) {
  for (const one of lists.regions) {
    const [name, short] = lang === 'fa' ? [one.name_fa, one.short_fa] : [one.name_en, one.short_en];
    provinces.set(one.code, { code: one.code, name, short, column: one.column, row: one.row });
  }
  organizationList = lists.organizations.map((one) => ({
    ...one, name: (lang === 'fa' ? one.name_fa : one.name_en) ?? one.name ?? one.code,
    search: fold([one.name_fa, one.name_en, one.code, provinces.get(one.seat)?.name].filter(Boolean).join(' ')),
  }));
  organizationIndex = new Map(organizationList.map((one) => [one.code, one]));
  categoryList = lists.categories.map((one) => ({
    ...one,
    name: (lang === 'fa' ? one.name_fa : one.name_en) ?? one.code,
  }));
  categoryIndex = new Map(categoryList.map((one) => [one.code, one]));
}

export const organizations = () => organizationList;
export const organization = (code) => organizationIndex.get(code);
export const organizationName = (code) => organizationIndex.get(code)?.name ?? (
  provinces.has(code) ? provinceName(code) : code ?? t('app.none')
);
export const categories = () => categoryList;
export const categoryName = (code) => categoryIndex.get(code)?.name ?? code ?? t('app.none');

/** The office where a case of the category usually goes first, then the ministry, then the province's own office. */
export function usualOrganizations(category, home) {
  const one = categoryIndex.get(category);
  const local = one?.local_agency && home && home !== 'hub' ? `${home}-${one.local_agency}` : null;
  return [
    local,
    one?.ministry,
    home === 'hub' ? 'PRES' : home,
  ].filter((code) => code && organizationIndex.has(code));
}
