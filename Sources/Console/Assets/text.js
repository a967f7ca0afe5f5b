// Numbers, digits and letters as people write and read them.
import { lang, t } from './language.js';

const locale = lang === 'fa' ? 'fa-IR' : 'en-GB';
const integer = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
const share = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 });

export const number = (value) => (value === null || value === undefined ? t('app.none') : integer.format(value));
export const percent = (value) => share.format(value);

/** Digits as the page's language writes them. */
export const digits = (text) =>
  lang === 'fa' ? String(text).replace(/[0-9]/g, (digit) => '۰۱۲۳۴۵۶۷۸۹'[digit]) : String(text);

/** Persian and Arabic-Indic digits as Latin ones. */
export const latin = (text) => String(text)
  .replace(/[۰-۹]/g, (digit) => String(digit.charCodeAt(0) - 0x6f0))
  .replace(/[٠-٩]/g, (digit) => String(digit.charCodeAt(0) - 0x660));

/** For searching: one form of each letter, no joiners, marks or digits of another script. */
export const fold = (text) => latin(text).toLowerCase()
  .replace(/[يى]/g, 'ی').replace(/ك/g, 'ک').replace(/[أإآ]/g, 'ا').replace(/ة/g, 'ه').replace(/ؤ/g, 'و')
  .replace(/[\u064b-\u065f\u0670\u0640]/g, '').replace(/[\u200c\u200d\s]+/g, ' ').trim();

/** `0312345678901` as `03-12345-67890-1`. */
export const groupedCode = (code) =>
  /^\d{13}$/.test(code) ? `${code.slice(0, 2)}-${code.slice(2, 7)}-${code.slice(7, 12)}-${code.slice(12)}` : code;

/** Bytes as people read them. */
export function sizeText(bytes) {
  const units = ['b', 'kb', 'mb', 'gb'];
  const step = units.findIndex((unit, index) => bytes < 1024 ** (index + 1) || unit === 'gb');
  return t(`file.${units[step]}`, { n: number(bytes / 1024 ** step) });
}

/** What is written between commas, Persian or Latin. */
export const splitTags = (text) => text.split(/[,،]/).map((tag) => tag.trim()).filter(Boolean);
