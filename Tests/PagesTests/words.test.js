import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { load, read } from './page.js';

const assets = new URL('../../Sources/Console/Assets/', import.meta.url);
const scripts = (await readdir(assets)).filter((name) => name.endsWith('.js') && !name.startsWith('strings'));
const persian = (await load('strings.js')).words;
const english = (await load('strings.en.js')).words;
const vocabulary = JSON.parse(await read('vocabulary.json'));

const isCoded = (key) => {
  const place = key.indexOf('.');
  return vocabulary[key.slice(0, place)]?.[key.slice(place + 1)] !== undefined;
};

test('both languages have the same words', () => {
  assert.deepEqual(Object.keys(english).sort(), Object.keys(persian).sort());
  for (const [key, word] of Object.entries(persian)) {
    const names = (text) => (text.match(/\{\w+\}/g) ?? []).sort();
    assert.deepEqual(names(english[key]), names(word), key);
  }
});

test('no word stands both with the pages and in the vocabulary', () => {
  assert.deepEqual(Object.keys(persian).filter(isCoded), []);
});

test('every word that a script names exists', async () => {
  for (const name of scripts) {
    const text = await read(name);
    for (const [, key] of text.matchAll(/\b(?:t|known)\('([\w.-]+)'/g)) {
      assert.ok(key in persian || isCoded(key), `${name}: ${key}`);
    }
  }
});

test('every module that a script imports is there, and none imports in a circle', async () => {
  const imports = new Map();
  for (const name of scripts) {
    const found = [...(await read(name)).matchAll(/^import [^;]*from '\.\/([\w.]+)';/gms)].map(([, file]) => file);
    for (const file of found) assert.ok(scripts.includes(file), `${name}: ${file}`);
    imports.set(name, found);
  }
  const walk = (name, path) => {
    assert.ok(!path.includes(name), [...path, name].join(' → '));
    for (const next of imports.get(name)) walk(next, [...path, name]);
  };
  for (const name of scripts) walk(name, []);
});

test('what a script uses of another it imports, and what it imports it uses', async () => {
  const texts = new Map();
  for (const name of scripts) texts.set(name, (await read(name)).replace(/\/\/[^\n]*|\/\*.*?\*\//gs, ''));
  const exports = /^export (?:async )?(?:const|function|class|let) (\w+)/gm;
  const exported = (text) => [...text.matchAll(exports)].map(([, word]) => word);
  const all = new Set([...texts.values()].flatMap(exported));
  for (const [name, text] of texts) {
    const imported = new Set([...text.matchAll(/import \{([^}]*)\}/g)]
      .flatMap(([, list]) => list.split(',').map((word) => word.split(' as ').at(-1).trim()).filter(Boolean)));
    const body = text.replace(/^import [^;]*;/gms, '');
    const own = new Set([...body.matchAll(/\b(?:const|let|function|class) (\w+)/g)].map(([, word]) => word));
    for (const word of all) {
      const isCalled = new RegExp(`(?<![\\w.'"$])${word}\\(`).test(body);
      assert.ok(!isCalled || imported.has(word) || own.has(word), `${name} calls ${word}, which it does not import`);
    }
    for (const word of imported) assert.ok(new RegExp(`\\b${word}\\b`).test(body), `${name} imports ${word} in vain`);
  }
});

test('no script knows a role or asks for prose', async () => {
  const roles = Object.keys(vocabulary.role).filter((role) => role !== 'hub' && role !== 'system' && role !== 'agency');
  for (const name of scripts) {
    const text = (await read(name)).replace(/`act\.\w+`|'pick\.\w+'/g, '');
    for (const role of roles) assert.ok(!text.includes(`'${role}'`), `${name} names the role ${role}`);
  }
});
