// The pages of a province.
import { t, term } from './language.js';
import { number } from './text.js';
import { ago, clock } from './dates.js';
import { h, icon, linkState, replace } from './dom.js';
import { get } from './api.js';
import { start, rowKeys, caseKeys, linkTo, later } from './shell.js';
import { listView } from './cases.js';

/** What the last status said of this journal; a list that is older than it says so. */
let journal = '';
let listed = '';
let askStatus = () => {};

/** The node's link and backlog, asked every 15 seconds while somebody looks. */
function strip() {
  const bar = h('div.strip', { role: 'status', 'aria-label': t('node.strip') });
  let failures = 0;
  const ask = async () => {
    if (document.hidden) return;
    try {
      draw(bar, await get('/status', { stay: false, timeout: 10000 }));
      failures = 0;
    } catch {
      failures += 1;
      // Why, the banner of the frame says; what was heard before no longer holds.
      replace(bar, linkState('unknown'), h('span', t('node.unheard')));
    }
  };
  askStatus = ask;
  const tick = async () => { await ask(); setTimeout(tick, Math.min(15000 * 2 ** failures, 60000)); };
  document.addEventListener('visibilitychange', ask);
  window.addEventListener('online', ask);
  tick();
  return bar;
}

function draw(bar, status) {
  const off = Math.abs(status.clock_offset_ms ?? 0);
  const connected = status.link === 'connected';
  replace(bar, linkState(status.link),
    h(
      'span',
      status.backlog ? [icon('inbox'), t('node.backlog', { n: number(status.backlog) })] : t('node.backlogNone')
    ),
    h(
      'span',
      { title: status.acknowledged_at ?? '' },
      status.acknowledged_at ? t(
        'node.acknowledged',
        { time: ago(status.acknowledged_at) }
      ) : t('node.neverAcknowledged')
    ),
    status.conflicts > 0 && h(
      'a',
      { href: linkTo('conflicts') },
      icon('swap'),
      `${t('nav.conflicts')} ${number(status.conflicts)}`
    ),
    status.proposals > 0 && h(
      'a',
      { href: linkTo('proposals') },
      icon('ring'),
      `${t('nav.proposals')} ${number(status.proposals)}`
    ),
    off > 5000 && h('span.warn', icon('clock'), t('node.clock', { n: number(Math.round(off / 1000)) })),
    status.parked > 0 && h('span.warn', icon('clock'), t('node.parked', { n: number(status.parked) })),
    status.branches?.length > 0 && h('a.warn', { href: linkTo('proposals') }, icon('swap'), t('node.branches')),
    fresh(
      status.alarms?.[0]
    ) && h('a.warn', { href: linkTo('alarms') }, icon('alert'), term('alarm', status.alarms[0].code)),
    !connected && h('span.offline', t('node.offline')),
    h('span.as-of', t('app.asOf', { time: clock(Date.now()) })));
  journal = `${status.head?.seq}/${status.feed}`;
  if (listed && listed !== journal) offerFresh();
  listed ||= journal;
}

/** An alarm stays in the strip for a day. */
const fresh = (alarm) => alarm && Date.now() - Date.parse(alarm.at) < 864e5;

function offerFresh() {
  const slot = document.querySelector('.fresh-slot');
  if (!slot || slot.firstChild) return;
  replace(
    slot,
    h(
      'button.fresh',
      { type: 'button', onclick: () => window.dispatchEvent(new HashChangeEvent('hashchange')) },
      icon('inbox'),
      t('list.fresh')
    )
  );
}

const registers = () => import('./registers.js');
const inbox = listView({ view: 'inbox', title: () => t('nav.inbox') });

start({
  strip,
  views: {
    inbox: async (context) => { await inbox(context); listed = ''; askStatus(); },
    register: later(
      () => import('./register.js'),
      'registerView'
    ), case: later(() => import('./case.js'), 'caseView'),
    conflicts: later(registers, 'conflictsView'), proposals: later(registers, 'proposalsView'),
    report: later(
      () => import('./report.js'),
      'reportView'
    ), alarms: later(() => import('./alarms.js'), 'alarmsView'),
  },
});
rowKeys();
caseKeys();
