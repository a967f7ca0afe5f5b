// Dates: the Jalali calendar, Tehran's time, and how far away an instant is.
import { lang, t } from './language.js';
import { digits } from './text.js';

const locale = lang === 'fa' ? 'fa-IR' : 'en-GB';
const jalali = `${lang === 'fa' ? 'fa-IR' : 'en-GB'}-u-ca-persian`;
const zone = 'Asia/Tehran';
const dateFormat = new Intl.DateTimeFormat(
  jalali,
  { timeZone: zone, year: 'numeric', month: 'long', day: 'numeric' }
);
const timeFormat = new Intl.DateTimeFormat(locale, { timeZone: zone, hour: '2-digit', minute: '2-digit' });
const secondFormat = new Intl.DateTimeFormat(locale, {
  timeZone: zone, hour: '2-digit', minute: '2-digit', second: '2-digit',
});
const dayFormat = new Intl.DateTimeFormat(
  'en-CA',
  { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' }
);
const jalaliParts = new Intl.DateTimeFormat('en-US-u-ca-persian', {
  timeZone: zone, year: 'numeric', month: 'numeric', day: 'numeric',
});
const relativeFormat = new Intl.RelativeTimeFormat(lang === 'fa' ? 'fa' : 'en', { numeric: 'auto' });

// Without the era, which English adds.
export const date = (value) => dateFormat.formatToParts(new Date(value)).filter((part) => part.type !== 'era')
  .map((part) => part.value).join('').trim();
export const time = (value) => timeFormat.format(new Date(value));
export const clock = (value) => secondFormat.format(new Date(value));
export const dateTime = (value) =>
  `${date(value)}${lang === 'fa' ? '، ' : ', '}${time(value)}`;

/** Today's Jalali year, month and day in Tehran, as numbers. */
export function jalaliToday(now = new Date()) {
  const parts = Object.fromEntries(jalaliParts.formatToParts(now).map((part) => [
    part.type,
    parseInt(part.value, 10),
  ]));
  return { year: parts.year, month: parts.month, day: parts.day };
}

const monthNames = (() => {
  const format = new Intl.DateTimeFormat(jalali, { timeZone: 'UTC', month: 'long' });
  // The middle of each Jalali month, counted from 5 April 2026 = 16 Farvardin 1405.
  return Array.from({ length: 12 }, (_, index) => format.format(Date.UTC(2026, 3, 5) + index * 30.5 * 864e5));
})();

export const monthName = (month) => monthNames[month - 1];

/** `1405-08-30` as people write it. */
export function jalaliDay(day, { short = false } = {}) {
  const [year, month, dayOfMonth] = day.split('-').map(Number);
  const text = `${digits(String(dayOfMonth))} ${monthName(month)}`;
  return short ? text : `${text} ${digits(String(year))}`;
}

/** Number of the Tehran day, to count whole days between instants. */
const dayNumber = (value) => Math.round(Date.parse(`${dayFormat.format(new Date(value))}T00:00:00Z`) / 864e5);
export const daysUntil = (value, now = Date.now()) => dayNumber(value) - dayNumber(now);

/** "3 minutes ago"; `null` is never. */
export function ago(value, now = Date.now()) {
  if (!value) return t('time.never');
  const seconds = Math.round((Date.parse(value) - now) / 1000);
  if (Math.abs(seconds) < 20) return t('time.now');
  if (Math.abs(seconds) < 5400) return relativeFormat.format(Math.round(seconds / 60) || -1, 'minute');
  if (Math.abs(seconds) < 129600) return relativeFormat.format(Math.round(seconds / 3600), 'hour');
  return relativeFormat.format(Math.round(seconds / 86400), 'day');
}
