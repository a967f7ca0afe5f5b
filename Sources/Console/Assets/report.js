// Monthly and quarterly figures, as they go to the province's senior management; made to be printed.
import { t } from './language.js';
import { digits, number } from './text.js';
import { clock, date, jalaliToday, monthName } from './dates.js';
import { h, replace } from './dom.js';
import { get, session } from './api.js';
import { organizationName, provinceName, categoryName, provinces } from './directory.js';
import { linkTo, go } from './shell.js';

const heading = (key) => t(key === 'registered' ? 'status.registered' : `count.${key}`);
const counts = ['registered', 'answered', 'closed', 'disputed', 'overdue'];

function parse(argument) {
  const month = /^(\d{4})-(\d\d)$/.exec(argument);
  const quarter = /^(\d{4})-Q([1-4])$/.exec(argument);
  if (month) return { quarterly: false, year: Number(month[1]), part: Number(month[2]) };
  if (quarter) return { quarterly: true, year: Number(quarter[1]), part: Number(quarter[2]) };
  const today = jalaliToday();
  return { quarterly: false, year: today.year, part: today.month };
}

const write = ({
  quarterly,
  year,
  part,
}) => (quarterly ? `${year}-Q${part}` : `${year}-${String(part).padStart(2, '0')}`);
const shift = (period, step) => {
  const size = period.quarterly ? 4 : 12;
  const index = period.year * size + period.part - 1 + step;
  return { ...period, year: Math.floor(index / size), part: index % size + 1 };
};
const label = ({
  quarterly,
  year,
  part,
}) => `${quarterly ? t(`rep.q${part}`) : monthName(part)} ${digits(String(year))}`;

function table(caption, rows, total, name) {
  const cells = (row) => [
    ...counts.map((key) => h('td.num', number(row[key]))),
    h(
      'td.num',
      row.median_days === null || row.median_days === undefined ? t('app.none') : number(row.median_days)
    ),
  ];
  return h(
    'section.card.report-table',
    h('div.scroll', { tabindex: 0, role: 'region', 'aria-label': caption }, h('table', h('caption', caption),
      h(
        'thead',
        h(
          'tr',
          h('th', { scope: 'col' }, t('rep.key')),
          counts.map((key) => h('th.num', { scope: 'col' }, heading(key))),
          h('th.num', { scope: 'col' }, t('rep.median'))
        )
      ),
      h('tbody', rows.map((row) => h('tr', h('th', { scope: 'row' }, name(row.key)), cells(row)))),
      total && h('tfoot', h('tr', h('th', { scope: 'row' }, t('rep.total')), cells(total)))))
  );
}

export async function reportView({ argument, body, signal }) {
  const period = parse(argument);
  const today = jalaliToday();
  const current = period.quarterly ? {
    quarterly: true,
    year: today.year,
    part: Math.ceil(today.month / 3),
  } : { quarterly: false, year: today.year, part: today.month };
  const isLast = write(period) >= write(current);
  const other = {
    quarterly: !period.quarterly,
    year: period.year,
    part: period.quarterly ? Math.min(
      period.part * 3,
      period.year === today.year ? today.month : 12
    ) : Math.ceil(period.part / 3),
  };
  const controls = h('div.filters.no-print',
    h('div.segments', { role: 'group', 'aria-label': t('rep.period') },
      h(
        'button',
        {
          type: 'button',
          'aria-pressed': String(!period.quarterly),
          onclick: () => period.quarterly && go('report', write(other)),
        },
        t('rep.month')
      ),
      h(
        'button',
        {
          type: 'button',
          'aria-pressed': String(period.quarterly),
          onclick: () => !period.quarterly && go('report', write(other)),
        },
        t('rep.quarter')
      )),
    h('a.button', { href: linkTo('report', write(shift(period, -1))) }, t('rep.previous')),
    !isLast && h('a.button', { href: linkTo('report', write(shift(period, 1))) }, t('rep.next')),
    h('button', { type: 'button', onclick: () => window.print() }, t('app.print')));
  const slot = h('div', h('p.loading', t('app.loading')));
  replace(body, h('h1', t('rep.for', { period: label(period) })), controls, slot);
  const report = await get(`/reports/${write(period)}`, { signal });
  const isHub = session.server.kind === 'hub';
  const name = (code) => (isHub && provinces.has(code) ? provinceName(code) : organizationName(code));
  replace(slot,
    h('p', isHub ? t('app.hub') : t('app.province', { name: provinceName(session.server.code) }), ' · ',
      t('rep.range', { from: date(report.from), to: date(Date.parse(report.to) - 1) })),
    h(
      'div.counts',
      counts.map((key) => h(
        'div.count',
        { class: key },
        h('span.value', number(report.total[key])),
        h('span.label', heading(key))
      )),
      h('div.count', h('span.value', number(report.total.median_days)), h('span.label', t('rep.median')))
    ),
    table(t(isHub ? 'rep.byProvince' : 'rep.byOrganization'), report.by_organization, report.total, name),
    table(t('rep.byCategory'), report.by_category, report.total, categoryName),
    h(
      'p.small.muted',
      t('rep.derived'),
      ' ',
      t('app.asOf', { time: `${date(report.as_of)} ${clock(report.as_of)}` }),
      ' · ',
      t('app.position', { n: number(report.position) })
    ));
}
