// Lists of cases: the inbox of a province, a ministry's referrals, the national search.
import { choices, t, term } from './language.js';
import { latin, number } from './text.js';
import { date, daysUntil } from './dates.js';
import { bdi, codeText, h, icon, replace } from './dom.js';
import { get, session } from './api.js';
import { select } from './forms.js';
import { provinces, provinceName, organizationName, categoryName } from './directory.js';
import { linkTo, go, pager } from './shell.js';

const statusIcons = {
  draft: 'ring',
  registered: 'inbox',
  referred: 'swap',
  in_progress: 'half',
  answered: 'chat',
  closed: 'check',
  disputed: 'alert',
};

/** The status by shape, word and colour, with the outcome of a closed case. */
export const statusBadge = (one) => h(
  'span.badge',
  { class: `s-${one.status}` },
  icon(statusIcons[one.status] ?? 'ring'),
  term('status', one.status),
  one.outcome ? ` · ${term('outcome', one.outcome)}` : null
);

/** The deadline in words: days left or past, never by colour alone. */
export function deadline(one, at = one.deadline, overdue = one.overdue) {
  if (one.imported) return h('span.due.done', { title: t('due.imported') }, at ? date(at) : t('due.none'));
  if (!at) return h('span.due.done', t('due.none'));
  const done = !overdue && !one.clock_runs;
  if (done) return h('span.due.done', { title: date(at) }, t('due.done', { date: date(at) }));
  const days = daysUntil(at);
  const past = overdue || Date.parse(at) < Date.now();
  const words = past ? (days === 0 ? t(
    'due.pastToday'
  ) : t('due.past', { n: number(-days) })) : (days === 0 ? t('due.today') : t('due.left', { n: number(days) }));
  return h(
    'span.due',
    { class: past ? 'past' : days <= 2 ? 'soon' : '', title: date(at) },
    icon(past ? 'alert' : 'clock'),
    words
  );
}

/** One case as a row of a list. */
export function caseRow(one) {
  const subject = one.subject ? bdi(one.subject) : h('span.withheld', t('list.withheld'));
  return h(
    'li',
    { class: one.overdue ? 'overdue' : '' },
    h('a.case-row', { href: linkTo('case', one.id), 'data-row': true },
      h(
        'span.subject',
        subject,
        one.priority === 'urgent' || one.priority === 'high' ? h(
          'span.badge.priority',
          icon('alert'),
          term('priority', one.priority)
        ) : null
      ),
      h('span.row-code', codeText(one.tracking_code)),
      h(
        'span.row-status',
        statusBadge(one),
        one.disputes?.length && one.status !== 'disputed' ? h(
          'span.badge.s-disputed',
          icon('alert'),
          t('status.disputed')
        ) : null,
        one.conflicts?.length ? h('span.badge.minor', icon('swap'), t('count.conflicts')) : null
      ),
      h('span.row-due', deadline(one)),
      h('span.row-meta', categoryName(one.category), ' · ', organizationName(one.holder),
        one.home !== session.server.code && [' · ', provinceName(one.home)]))
  );
}

function exportAddress(wanted) {
  const query = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value));
  return `/api/v1/cases.csv?${query}`;
}

/** A list view with its filters kept in the address. `fixed` are query values that this list always has. */
export const listView = ({
  view,
  title,
  fixed = () => ({}),
  byProvince = false,
}) => async ({ body, query, signal }) => {
  const own = session.principal.organization;
  const search = h(
    'input',
    {
      type: 'search',
      name: 'q',
      value: query.get('q') ?? '',
      placeholder: t('list.search'),
      'aria-label': t('list.search'),
    }
  );
  const status = select(
    'status',
    [['', t('app.all')], ...choices('status')],
    { value: query.get('status') ?? '', 'aria-label': t('field.status') }
  );
  const province = byProvince && select('province', [['', t('app.all')],
    ...[
      ...provinces.values(),
    ].sort((a, b) => a.name.localeCompare(
      b.name,
      'fa'
    )).map((one) => [
      one.code,
      one.name,
    ])], { value: query.get('province') ?? '', 'aria-label': t('list.province') });
  const overdue = h('input', { type: 'checkbox', name: 'overdue', checked: query.get('overdue') === 'true' });
  const mine = h('input', { type: 'checkbox', name: 'holder', checked: query.get('holder') === own });
  const apply = () => go(view, '', {
    q: search.value.trim(), status: status.value, province: province ? province.value : '',
    overdue: overdue.checked ? 'true' : '', holder: mine.checked ? own : '',
  });
  const filters = h('form.filters', { role: 'search', onsubmit: (event) => { event.preventDefault(); apply(); } },
    h('div.searchbox', icon('search'), search, h('button.primary', { type: 'submit' }, t('list.apply'))),
    h(
      'label.inline',
      t('field.status'),
      ' ',
      status
    ), province && h('label.inline', t('list.province'), ' ', province),
    h('label.choice', overdue, h('span', icon('alert'), t('list.overdueOnly'))),
    !fixed().holder && h('label.choice', mine, h('span', t('list.mine'))));
  filters.addEventListener('change', (event) => { if (event.target !== search) apply(); });
  const wanted = {
    q: latin(
      query.get('q') ?? ''
    ), status: query.get('status'), province: query.get('province'), overdue: query.get('overdue'),
    holder: query.get('holder'), ...fixed(),
  };
  const list = h('ol.cases', { role: 'list' });
  const count = h('p.count.small', { role: 'status' });
  const filtered = [...query.keys()].some((key) => key !== 'focus');
  const pages = pager({
    target: list, signal, empty: filtered ? t('list.empty') : t('list.emptyPlain'), render: caseRow,
    load: (cursor) => get('/cases', { signal, query: { ...wanted, cursor, limit: 30 } }),
    onCount: (n, more) => replace(count, t(more ? 'list.countMore' : 'list.count', { n: number(n) }),
      filtered && [' · ', h('a', { href: linkTo(view) }, t('list.clear'))],
      n > 0 && [' · ', h('a', { href: exportAddress(wanted), download: 'cases.csv' }, t('list.export'))]),
  });
  replace(body, h('h1', title()), filters, count, h('div.fresh-slot'), list, pages.element);
  if (query.get('focus')) search.focus();
  await pages.start();
};
