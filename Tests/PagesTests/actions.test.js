import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './page.js';

const { amendment, offered, pathOf } = await load('actions.js');

const one = {
  id: '1', revision: 7, heads: { subject: ['a'], 'citizen.mobile': ['b', 'c'] },
  actions: [
    { name: 'notes', path: '/api/v1/cases/1/notes' }, { name: 'restore', path: '/api/v1/conflicts/{id}/restore' },
  ],
};
const initial = {
  subject: 'x', description: '', category: 'water', priority: 'normal', tags: 'نان',
  'citizen.name': '', 'citizen.mobile': '0914', 'citizen.national_id': '', 'citizen.address': '',
};

test('only what changed is sent, with the values that were seen', () => {
  const body = amendment(one, { ...initial, subject: 'y', 'citizen.mobile': '', tags: 'نان، آب' }, initial);
  assert.deepEqual(body, {
    revision: 7, subject: 'y', tags: ['نان', 'آب'], citizen: { mobile: '' },
    heads: { subject: ['a'], tags: [], 'citizen.mobile': ['b', 'c'] },
  });
});

test('an amendment that changes nothing is not sent', () => {
  assert.throws(() => amendment(one, { ...initial }, initial), { message: 'faults' });
});

test('actions are those of the document', () => {
  assert.equal(offered(one, 'referral'), null);
  assert.equal(pathOf(offered(one, 'notes')), '/cases/1/notes');
  assert.equal(pathOf(offered(one, 'restore'), 'abc'), '/conflicts/abc/restore');
  assert.equal(offered({}, 'notes'), null, 'items of lists offer nothing');
});
