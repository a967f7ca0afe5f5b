import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { load, server } from './page.js';

const { session } = await load('api.js');
const { store } = await load('drafts.js');
const { submit } = await load('sending.js');

// Pauses between attempts are not waited for.
globalThis.setTimeout = ((wait) => (action, milliseconds, ...values) =>
  wait(action, milliseconds > 15000 ? milliseconds : 0, ...values))(globalThis.setTimeout);

const keys = () => server.requests.map((request) => request.headers['Idempotency-Key']);

beforeEach(() => {
  session.principal = { name: 'op' };
  sessionStorage.clear();
  server.answers.length = 0;
  server.requests.length = 0;
});

test('a form is sent once, under a key', async () => {
  server.answers.push({ status: 201, body: { id: '1' } });
  const { result, settled } = await submit('register', 'POST', '/cases', { subject: 'x' });
  assert.deepEqual([result, settled], [{ id: '1' }, false]);
  assert.equal(server.requests.length, 1);
  assert.match(keys()[0], /^[0-9a-f-]{36}$/);
  assert.equal(store.read('pending.register'), null);
});

test('what nobody answered is sent again under the same key', async () => {
  const rounds = [];
  server.answers.push(new TypeError('cut'), { status: 503 }, { body: { id: '1' } });
  const { result } = await submit('register', 'POST', '/cases', { subject: 'x' }, (round) => rounds.push(round));
  assert.deepEqual([result, rounds], [{ id: '1' }, [1, 2]]);
  assert.equal(new Set(keys()).size, 1);
});

test('after four attempts the text waits under its key', async () => {
  for (let i = 0; i < 4; i += 1) server.answers.push(new TypeError('cut'));
  await assert.rejects(submit('register', 'POST', '/cases', { subject: 'x' }), { unknown: true });
  assert.equal(server.requests.length, 4);
  server.answers.push({ body: { id: '1' } });
  await submit('register', 'POST', '/cases', { subject: 'x' });
  assert.equal(new Set(keys()).size, 1);
});

test('another text is not sent before the fate of the first is known', async () => {
  for (let i = 0; i < 4; i += 1) server.answers.push(new TypeError('cut'));
  await assert.rejects(submit('note', 'POST', '/cases/1/notes', { text: 'first' }));
  server.answers.push({ body: { id: '1' } });
  const { settled } = await submit('note', 'POST', '/cases/1/notes', { text: 'second' });
  assert.equal(settled, true);
  assert.deepEqual(server.requests.map((request) => request.body).at(-1), '{"text":"first"}');
});

test('a text that was refused after all makes room for the next', async () => {
  for (let i = 0; i < 4; i += 1) server.answers.push(new TypeError('cut'));
  await assert.rejects(submit('note', 'POST', '/cases/1/notes', { text: 'first' }));
  server.answers.push({ status: 409, body: { type: 'urn:peyvand:problem:illegal' } }, { body: { id: '1' } });
  const { settled } = await submit('note', 'POST', '/cases/1/notes', { text: 'second' });
  assert.equal(settled, false);
  assert.notEqual(keys().at(-1), keys().at(-2));
});

test('a refusal is told in words and leaves nothing pending', async () => {
  server.answers.push({
    status: 409, body: { type: 'urn:peyvand:problem:illegal', reason: 'transfer_pending', detail: 'x' },
  });
  await assert.rejects(submit('note', 'POST', '/cases/1/notes', { text: 'x' }), (problem) => {
    assert.equal(problem.sentence, 'وضعیت کنونی پرونده اجازهٔ این کار را نمی‌دهد.');
    assert.equal(problem.reason, 'واگذاری در جریان است');
    return true;
  });
  assert.equal(store.read('pending.note'), null);
});

test('a halted server is not asked again', async () => {
  server.answers.push({ status: 503, body: { type: 'urn:peyvand:problem:halted' } });
  await assert.rejects(submit('note', 'POST', '/cases/1/notes', { text: 'x' }), { kind: 'halted' });
  assert.equal(server.requests.length, 1);
});

test('drafts are kept for each person', () => {
  store.write('draft.note.1', { text: 'x' });
  assert.deepEqual(store.read('draft.note.1'), { text: 'x' });
  assert.equal(store.hasDrafts, true);
  session.principal = { name: 'other' };
  assert.equal(store.read('draft.note.1'), null);
  session.principal = { name: 'op' };
  store.write('draft.note.1', null);
  assert.equal(store.hasDrafts, false);
});
