import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './page.js';

const dates = await load('dates.js');
const text = await load('text.js');

test('dates are Jalali and of Tehran', () => {
  assert.equal(dates.date('2026-11-21T07:30:00Z'), '۳۰ آبان ۱۴۰۵');
  // Half past eight in the evening in UTC is the next day in Tehran.
  assert.equal(dates.date('2026-11-21T20:30:00Z'), '۱ آذر ۱۴۰۵');
  assert.equal(dates.time('2026-11-21T20:30:00Z'), '۰۰:۰۰');
  assert.deepEqual(dates.jalaliToday(new Date('2027-03-20T20:30:00Z')), { year: 1406, month: 1, day: 1 });
  assert.deepEqual(dates.jalaliToday(new Date('2027-03-20T20:29:59Z')), { year: 1405, month: 12, day: 29 });
});

test('months have their names', () => {
  assert.equal(dates.monthName(1), 'فروردین');
  assert.equal(dates.monthName(9), 'آذر');
  assert.equal(dates.monthName(12), 'اسفند');
  assert.equal(dates.jalaliDay('1405-08-30'), '۳۰ آبان ۱۴۰۵');
  assert.equal(dates.jalaliDay('1405-08-30', { short: true }), '۳۰ آبان');
});

test('days are counted from midnight to midnight in Tehran', () => {
  const now = Date.parse('2026-11-21T20:29:00Z');
  assert.equal(dates.daysUntil('2026-11-21T20:29:59Z', now), 0);
  assert.equal(dates.daysUntil('2026-11-21T20:30:00Z', now), 1);
  assert.equal(dates.daysUntil('2026-11-20T20:29:00Z', now), -1);
  assert.equal(dates.daysUntil('2026-12-06T20:29:00Z', now), 15);
});

test('how long ago is said in the largest unit that fits', () => {
  const now = Date.parse('2026-11-21T12:00:00Z');
  const ago = (seconds) => dates.ago(new Date(now - seconds * 1000).toISOString(), now);
  assert.equal(ago(5), 'هم‌اکنون');
  assert.equal(ago(180), '۳ دقیقه پیش');
  assert.equal(ago(7200), '۲ ساعت پیش');
  assert.equal(ago(3 * 86400), '۳ روز پیش');
  assert.equal(dates.ago(null), 'هرگز');
});

test('digits of three scripts are one', () => {
  assert.equal(text.latin('۰۹۱۴ ٠٩١٤ 0914'), '0914 0914 0914');
  assert.equal(text.digits('1405'), '۱۴۰۵');
  assert.equal(text.number(1234.56), '۱٬۲۳۴٫۶');
  assert.equal(text.number(null), '—');
  assert.equal(text.groupedCode('0312345678901'), '03-12345-67890-1');
  assert.equal(text.groupedCode('12'), '12');
});

test('words are compared in one form', () => {
  assert.equal(text.fold('شهرداري  كرج'), text.fold('شهرداری کرج'));
  assert.equal(text.fold('خرم\u200cآباد'), 'خرم اباد');
  assert.deepEqual(text.splitTags('نان، آب,  , برق'), ['نان', 'آب', 'برق']);
  assert.equal(text.sizeText(1536), '۱٫۵ کیلوبایت');
  assert.equal(text.sizeText(3 * 1024 ** 4), '۳٬۰۷۲ گیگابایت');
});
