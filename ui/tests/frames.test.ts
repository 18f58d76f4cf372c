import { expect, test } from 'vitest';
import type { Frame, Quote } from '../src/ipc';
import { newestPrice, NOTHING_YET, reduce } from '../src/state/frames';

function quote(id: string, price: number, as_of_ms = 1): Quote {
  return {
    id,
    symbol: id.toUpperCase(),
    name: id,
    price,
    change_24h_pct: null,
    volume_24h: null,
    market_cap: null,
    provenance: {
      as_of_ms,
      fetched_at_ms: as_of_ms,
      source: 'CoinGecko',
      cache_level: 'memory',
      stale: false,
    },
  };
}

function frame(part: Partial<Frame>): Frame {
  return {
    now_ms: 1,
    whole: false,
    watch: null,
    quotes: [],
    sparks: [],
    sample: null,
    status: null,
    ...part,
  };
}

const whole = frame({
  whole: true,
  watch: ['a', 'b'],
  quotes: [quote('a', 1), quote('b', 2)],
  sparks: [{ id: 'a', prices: [1, 2] }],
});

test('a whole frame replaces everything that was known', () => {
  const before = reduce(NOTHING_YET, whole);
  const after = reduce(before, frame({ whole: true, watch: ['c'], quotes: [quote('c', 3)], now_ms: 9 }));
  expect(after.watch).toEqual(['c']);
  expect(Object.keys(after.quotes)).toEqual(['c']);
  expect(after.sparks).toEqual({});
  expect(after.now_ms).toBe(9);
});

test('a later frame changes only what it carries', () => {
  const before = reduce(NOTHING_YET, whole);
  const after = reduce(before, frame({ now_ms: 2, quotes: [quote('b', 5)] }));
  expect(after.watch).toBe(before.watch);
  expect(after.sparks).toBe(before.sparks);
  expect(after.quotes.a).toBe(before.quotes.a);
  expect(after.quotes.b?.price).toBe(5);
});

test('a frame without quotes leaves their record untouched', () => {
  const before = reduce(NOTHING_YET, whole);
  expect(reduce(before, frame({ now_ms: 2 })).quotes).toBe(before.quotes);
});

test('a quote that comes before the list that names it is kept', () => {
  let live = reduce(NOTHING_YET, whole);
  live = reduce(live, frame({ quotes: [quote('c', 3)] }));
  live = reduce(live, frame({ watch: ['c', 'a', 'b'] }));
  expect(live.watch).toEqual(['c', 'a', 'b']);
  expect(live.quotes.c?.price).toBe(3);
});

test('a list that comes before its quotes shows a token without a price', () => {
  const live = reduce(reduce(NOTHING_YET, whole), frame({ watch: ['a', 'b', 'c'] }));
  expect(live.watch).toContain('c');
  expect(live.quotes.c).toBeUndefined();
});

test('a token that left the list is forgotten, also when a late quote had brought it back', () => {
  let live = reduce(reduce(NOTHING_YET, whole), frame({ watch: ['a'] }));
  expect(live.quotes.b).toBeUndefined();
  live = reduce(live, frame({ quotes: [quote('b', 7)] }));
  live = reduce(live, frame({ watch: ['a'] }));
  expect(Object.keys(live.quotes)).toEqual(['a']);
});

test('a reordered list keeps every quote', () => {
  const before = reduce(NOTHING_YET, whole);
  const after = reduce(before, frame({ watch: ['b', 'a'] }));
  expect(after.watch).toEqual(['b', 'a']);
  expect(after.quotes).toBe(before.quotes);
});

test('a delta before the first whole frame does not pretend to know the list', () => {
  expect(reduce(NOTHING_YET, frame({ quotes: [quote('a', 1)] })).watch).toBeNull();
});

test('a clock that was set back is followed', () => {
  const live = reduce(reduce(NOTHING_YET, { ...whole, now_ms: 100 }), frame({ now_ms: 50 }));
  expect(live.now_ms).toBe(50);
});

test('the newest price is that of the watched tokens only', () => {
  const live = reduce(NOTHING_YET, frame({ whole: true, watch: ['a'], quotes: [quote('a', 1, 10)] }));
  expect(newestPrice(live)).toBe(10);
  expect(newestPrice(reduce(live, frame({ quotes: [quote('x', 1, 99)] })))).toBe(10);
  expect(newestPrice(NOTHING_YET)).toBeNull();
});
