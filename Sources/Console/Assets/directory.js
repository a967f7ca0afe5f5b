// Names that every page needs: provinces (known here), organisations and categories (asked of the server once a while).
import { lang, t } from './language.js';
import { fold } from './text.js';
import { items } from './dom.js';
import { get } from './api.js';
import { store } from './drafts.js';

// code, Persian, English, short Persian for a narrow tile, column from west, row from north.
const rows = [
  ['IR-00', 'مرکزی', 'Markazi', 'مرکزی', 2, 3], ['IR-01', 'گیلان', 'Gilan', 'گیلان', 2, 1],
  [
    'IR-02',
    'مازندران',
    'Mazandaran',
    'مازندران',
    3,
    1,
  ], ['IR-03', 'آذربایجان شرقی', 'East Azerbaijan', 'آذ. شرقی', 1, 0],
  [
    'IR-04',
    'آذربایجان غربی',
    'West Azerbaijan',
    'آذ. غربی',
    0,
    0,
  ], ['IR-05', 'کرمانشاه', 'Kermanshah', 'کرمانشاه', 0, 3],
  ['IR-06', 'خوزستان', 'Khuzestan', 'خوزستان', 1, 5], ['IR-07', 'فارس', 'Fars', 'فارس', 3, 5],
  ['IR-08', 'کرمان', 'Kerman', 'کرمان', 4, 5], ['IR-09', 'خراسان رضوی', 'Razavi Khorasan', 'خ. رضوی', 5, 2],
  [
    'IR-10',
    'اصفهان',
    'Isfahan',
    'اصفهان',
    3,
    4,
  ], ['IR-11', 'سیستان و بلوچستان', 'Sistan and Baluchestan', 'سیستان', 5, 5],
  ['IR-12', 'کردستان', 'Kurdistan', 'کردستان', 0, 2], ['IR-13', 'همدان', 'Hamadan', 'همدان', 1, 3],
  [
    'IR-14',
    'چهارمحال و بختیاری',
    'Chaharmahal and Bakhtiari',
    'چهارمحال',
    2,
    4,
  ], ['IR-15', 'لرستان', 'Lorestan', 'لرستان', 1, 4],
  [
    'IR-16',
    'ایلام',
    'Ilam',
    'ایلام',
    0,
    4,
  ], ['IR-17', 'کهگیلویه و بویراحمد', 'Kohgiluyeh and Boyer-Ahmad', 'کهگیلویه', 2, 5],
  ['IR-18', 'بوشهر', 'Bushehr', 'بوشهر', 2, 6], ['IR-19', 'زنجان', 'Zanjan', 'زنجان', 1, 1],
  ['IR-20', 'سمنان', 'Semnan', 'سمنان', 4, 2], ['IR-21', 'یزد', 'Yazd', 'یزد', 4, 4],
  ['IR-22', 'هرمزگان', 'Hormozgan', 'هرمزگان', 4, 6], ['IR-23', 'تهران', 'Tehran', 'تهران', 3, 2],
  ['IR-24', 'اردبیل', 'Ardabil', 'اردبیل', 2, 0], ['IR-25', 'قم', 'Qom', 'قم', 3, 3],
  ['IR-26', 'قزوین', 'Qazvin', 'قزوین', 1, 2], ['IR-27', 'گلستان', 'Golestan', 'گلستان', 4, 1],
  [
    'IR-28',
    'خراسان شمالی',
    'North Khorasan',
    'خ. شمالی',
    5,
    1,
  ], ['IR-29', 'خراسان جنوبی', 'South Khorasan', 'خ. جنوبی', 5, 3],
  ['IR-30', 'البرز', 'Alborz', 'البرز', 2, 2],
];
const shortEnglish = {
  'IR-03': 'E. Azer.',
  'IR-04': 'W. Azer.',
  'IR-09': 'Razavi K.',
  'IR-11': 'Sistan',
  'IR-14': 'Chaharm.',
  'IR-17': 'Kohgil.',
  'IR-28': 'N. Khor.',
  'IR-29': 'S. Khor.',
  'IR-02': 'Mazand.',
  'IR-05': 'Kermansh.',
  'IR-22': 'Hormoz.',
};

/** The 31 provinces by code: `{ code, name, short, column, row }`. */
export const provinces = new Map(rows.map(([code, fa, en, short, column, row]) => [code, {
  code, name: lang === 'fa' ? fa : en, short: lang === 'fa' ? short : shortEnglish[code] ?? en, column, row,
}]));

export const provinceName = (code) => (
  code === 'hub' ? t('app.hub') : provinces.get(code)?.name ?? code ?? t('app.none')
);

let organizationList = [];
let organizationIndex = new Map();
let categoryList = [];
let categoryIndex = new Map();

/** Loads both lists, from this tab's memory where it is younger than ten minutes. */
export async function loadDirectory() {
  const kept = store.read('directory');
  if (kept && Date.now() - kept.at < 6e5) return take(kept);
  try {
    const [
      organizations,
      categories,
    ] = await Promise.all([everything('/organizations'), everything('/categories')]);
    const fresh = { at: Date.now(), organizations, categories };
    store.write('directory', fresh);
    return take(fresh);
  } catch (error) {
    if (kept) return take(kept); // Old names are better than none.
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
