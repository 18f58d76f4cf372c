import { expect, test } from 'vitest';
import type { CacheEntry, CacheRegionView } from '../src/ipc';
import { answered, filled, hitRate, originFacts, shares, standing } from '../src/state/cache';

const region = (part: Partial<CacheRegionView>): CacheRegionView => ({
  name: 'prices',
  reads: 0,
  hits_memory: 0,
  hits_files: 0,
  hits_database: 0,
  origin: 0,
  stale_serves: 0,
  computations: 0,
  failures: 0,
  ...part,
});

test('a level without look-ups has no hit rate, not one of nothing', () => {
  expect(hitRate({ hits: 0, misses: 0 })).toBeNull();
  expect(hitRate({ hits: 0, misses: 4 })).toBe(0);
  expect(hitRate({ hits: 3, misses: 1 })).toBe(0.75);
});

test('a level is never more than full, and without a bound it is not full at all', () => {
  expect(filled({ bytes: 32, bytes_max: 64 })).toBe(0.5);
  expect(filled({ bytes: 70, bytes_max: 64 })).toBe(1);
  expect(filled({ bytes: 70, bytes_max: 0 })).toBeNull();
});

test('reads that no level answered went to the source', () => {
  const by = shares(region({ reads: 100, hits_memory: 80, hits_files: 10, hits_database: 5 }));
  expect(by).toEqual({ memory: 0.8, files: 0.1, database: 0.05, origin: 0.05 });
  expect(answered(by)).toBe(0.95);
});

test('a region that was never read has no shares', () => {
  expect(shares(region({}))).toBeNull();
  expect(answered(null)).toBeNull();
});

test('hits that were counted a moment before their reads still add up to one', () => {
  const by = shares(region({ reads: 10, hits_memory: 9, hits_files: 3 }));
  expect(by).toEqual({ memory: 0.75, files: 0.25, database: 0, origin: 0 });
});

test.each([
  [1, 1, 1, 3],
  [7, 0, 0, 9],
  [0, 0, 0, 5],
  [123, 456, 789, 1_400],
])('shares of %d, %d and %d hits in %d reads are a whole', (memory, files, database, reads) => {
  const by = shares(region({ reads, hits_memory: memory, hits_files: files, hits_database: database }))!;
  expect(by.memory + by.files + by.database + by.origin).toBeCloseTo(1, 12);
  for (const share of Object.values(by)) expect(share).toBeGreaterThanOrEqual(0);
});

test('what reached the source is the sum of all regions', () => {
  const facts = originFacts([
    region({ reads: 90, hits_memory: 90, computations: 2 }),
    region({ reads: 10, hits_memory: 0, computations: 9, failures: 1, stale_serves: 4 }),
  ]);
  expect(facts).toEqual({ reads: 100, share: 0.1, computations: 11, failures: 1, stale_serves: 4 });
  expect(originFacts([]).share).toBeNull();
});

test('an entry that was fresh when it was looked up ages while it is shown', () => {
  const entry: CacheEntry = {
    region: 'prices',
    key: 'usd:bitcoin',
    levels: ['memory'],
    created_at_ms: 0,
    age_ms: 10,
    expires_at_ms: 100,
    stale_until_ms: 300,
    fresh: true,
    tags: [],
    kind: 'market.price',
    bytes: 12,
    secret: false,
  };
  expect([10, 99, 100, 299, 300].map((now) => standing(entry, now))).toEqual([
    'fresh',
    'fresh',
    'stale',
    'stale',
    'expired',
  ]);
  // The engine may know better, for example after an invalidation.
  expect(standing({ ...entry, fresh: false }, 10)).toBe('stale');
  expect(standing({ ...entry, stale_until_ms: 100 }, 100)).toBe('expired');
});
