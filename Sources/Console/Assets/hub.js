// The pages of the hub: the dashboard for the country, a ministry's referrals, and the same case page as a province's.
import { t } from './language.js';
import { session } from './api.js';
import { start, rowKeys, caseKeys, later } from './shell.js';
import { organizationName } from './directory.js';
import { listView } from './cases.js';
import { dashboardView, dashboardKeys } from './dashboard.js';

const registers = () => import('./registers.js');

start({
  views: {
    dashboard: dashboardView,
    cases: listView({ view: 'cases', title: () => t('list.searchTitle'), byProvince: true }),
    referrals: listView({
      view: 'referrals', title: () => t(
        'list.referralsTitle',
        { name: organizationName(session.principal.organization) }
      ),
      fixed: () => ({ holder: session.principal.organization }), byProvince: true,
    }),
    case: later(
      () => import('./case.js'),
      'caseView'
    ), conflicts: later(registers, 'conflictsView'), proposals: later(registers, 'proposalsView'),
    provinces: later(
      () => import('./provinces.js'),
      'provincesView'
    ), alarms: later(
      () => import('./alarms.js'),
      'alarmsView'
    ), report: later(() => import('./report.js'), 'reportView'),
  },
});
rowKeys();
caseKeys();
dashboardKeys();
