import { expect, test } from 'vitest';
import type { ServiceLimits } from '../src/ipc';
import { breakerLook, limitOf, monthShare, obstacle, usedShare, waitingInAll } from '../src/state/limits';

const NOW = 1_700_000_000_000;
const calm: ServiceLimits = {
  name: 'CoinGecko',
  used: 10,
  limit: 50,
  limit_max: 50,
  allowed: 50,
  window_ms: 60_000,
  resets_at_ms: NOW + 30_000,
  full_at_ms: null,
  month_left: 9_000,
  month_budget: 10_000,
  waiting: { critical: 1, high: 2, normal: 3, low: 4 },
  running: 0,
  concurrency: 8,
  concurrency_max: 8,
  breaker: 'closed',
  breaker_since_ms: NOW - 1_000,
  breaker_until_ms: null,
  breaker_history: [],
  hold_until_ms: null,
  calls: 10,
  errors: 0,
  retries: 0,
  retry_budget: 1,
  p50_ms: null,
  p95_ms: null,
  last_error: null,
  last_success_ms: null,
};

test('what is used is a share of what is allowed now, and full where nothing is', () => {
  expect(usedShare(calm)).toBe(0.2);
  expect(usedShare({ used: 30, allowed: 25 })).toBe(1);
  expect(usedShare({ used: 0, allowed: 0 })).toBe(1);
});

test('a month without a bound has no share', () => {
  expect(monthShare(calm)).toBeCloseTo(0.1);
  expect(monthShare({ month_left: null, month_budget: null })).toBeNull();
  expect(monthShare({ month_left: 0, month_budget: 10 })).toBe(1);
});

test.each<[string, Partial<ServiceLimits>, ReturnType<typeof obstacle>]>([
  ['nothing', {}, null],
  ['a hold that is over', { hold_until_ms: NOW }, null],
  ['a hold', { hold_until_ms: NOW + 1 }, { what: 'hold', until_ms: NOW + 1 }],
  ['a full window', { used: 50 }, { what: 'full', until_ms: NOW + 30_000 }],
  ['a spent month', { month_left: 0, used: 50 }, { what: 'month' }],
  [
    'an open breaker',
    { breaker: 'open', breaker_until_ms: NOW + 5, month_left: 0 },
    { what: 'open', until_ms: NOW + 5 },
  ],
  ['calls switched off', { breaker: 'isolated', hold_until_ms: NOW + 1 }, { what: 'isolated' }],
  ['a breaker that probes', { breaker: 'half_open' }, null],
])('%s is told', (_, change, expected) => {
  expect(obstacle({ ...calm, ...change }, NOW)).toEqual(expected);
});

test('a breaker looks like the state of a service', () => {
  expect((['closed', 'half_open', 'open', 'isolated'] as const).map(breakerLook)).toEqual([
    'up',
    'degraded',
    'down',
    'down',
  ]);
});

test('only whole numbers within the bounds are limits', () => {
  expect(['1', '50', ' 7 '].map((typed) => limitOf(typed, 50))).toEqual([1, 50, 7]);
  for (const typed of ['', '0', '51', '-1', '1.5', '1e1', 'many', '9'.repeat(20)])
    expect(limitOf(typed, 50), typed).toBeNull();
});

test('waiting callers of every priority count', () => {
  expect(waitingInAll(calm.waiting)).toBe(10);
});
