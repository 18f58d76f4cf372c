import { expect, test } from 'vitest';
import { find, fit, type Entry } from '../src/state/palette';

const entry = (title: string, more: Partial<Entry> = {}): Entry => ({
  id: title,
  title,
  group: 0,
  run: () => undefined,
  ...more,
});
const names = (query: string, entries: Entry[], limit?: number): string[] =>
  find(query, entries, limit).map(({ title }) => title);

test('exact is better than a prefix, a prefix than a word, a word than a part, a part than scattered letters', () => {
  const scores = ['eth', 'ethereum', 'wrapped ether', 'aether', 'e x t x h'].map((text) => fit('eth', text));
  expect(scores).toEqual([...scores].sort((a, b) => a! - b!));
  expect(new Set(scores).size).toBe(5);
  expect(fit('eth', 'bitcoin')).toBeNull();
});

test('case and surrounding spaces do not matter', () => {
  expect(fit('  DuCk ', 'DUCK')).toBe(0);
});

test('an empty query finds everything in the order given, by group', () => {
  expect(names('', [entry('b', { group: 1 }), entry('a', { group: 1 }), entry('c')])).toEqual([
    'c',
    'b',
    'a',
  ]);
});

test('a ticker that is typed in full comes first', () => {
  const entries = [entry('TONIC'), entry('Go to Markets', { group: 1 }), entry('TON', { hint: 'Toncoin' })];
  expect(names('ton', entries)[0]).toBe('TON');
});

test('the name beside the ticker and other words are searched too', () => {
  expect(
    names('bitcoin', [entry('BTC', { hint: 'Bitcoin · 98,204' }), entry('TON', { hint: 'Toncoin' })]),
  ).toEqual(['BTC']);
  expect(names('reload', [entry('Refresh now', { words: 'reload prices' })])).toEqual(['Refresh now']);
});

test('two letters scattered over a title are no match', () => {
  expect(fit('to', 'Theme: follow')).toBeNull();
});

test('no more than the limit is found', () => {
  const many = Array.from({ length: 100 }, (_, i) => entry(`Token ${i}`));
  expect(find('token', many, 12)).toHaveLength(12);
});
