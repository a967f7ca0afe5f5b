// What the server noted for a person to look at, the newest first.
import { t, term } from './language.js';
import { ago } from './dates.js';
import { bdi, codeText, h, icon, replace, when } from './dom.js';
import { get } from './api.js';
import { pager } from './shell.js';
import { provinceName } from './directory.js';

const row = (alarm) => h('li', h('time.small.muted', { datetime: alarm.at, title: alarm.at }, ago(alarm.at)),
  h('div', h('p', icon('alert'), h('strong', term('alarm', alarm.code)), ' · ', provinceName(alarm.origin)),
    h('p.small', { lang: 'en' }, bdi(alarm.detail)),
    h(
      'p.small.muted',
      when(alarm.at),
      alarm.event && [' · ', t('field.event'), ' ', codeText(alarm.event.slice(0, 12), 'code small')]
    )));

/** The list and its "more"; `start` loads the first page. */
export function alarmList(signal, limit = 20) {
  const list = h('ol.alarms', { role: 'list' });
  const pages = pager({
    target: list,
    signal,
    empty: t('alarms.empty'),
    render: row,
    load: (cursor) => get('/alarms', { signal, query: { cursor, limit } }),
  });
  return { element: h('div', list, pages.element), start: pages.start };
}

export async function alarmsView({ body, signal }) {
  const list = alarmList(signal, 50);
  replace(body, h('h1', t('nav.alarms')), h('p.hint', t('alarms.help')), h('section.card', list.element));
  await list.start();
}
