import { expect, test } from 'vitest';
import { changeOver, drawSlot, isRange, RANGES, spanAt, TOKEN_RANGES } from '../src/state/range';

const NOW = Date.UTC(2026, 10, 22, 9, 41, 32, 417);

test.each(TOKEN_RANGES)('%s ends at or after now and is as long as it says', (range) => {
  const { min, max } = spanAt(range, NOW);
  expect(max).toBeGreaterThanOrEqual(NOW);
  expect(max - NOW).toBeLessThan(RANGES[range].edge_ms);
  expect(max - min).toBe(RANGES[range].length_ms);
});

test.each(TOKEN_RANGES)('%s moves by at most two pixels of a chart 700 wide', (range) => {
  expect(RANGES[range].edge_ms).toBeLessThanOrEqual((2 * RANGES[range].length_ms) / 700 + 1);
});

test('the span of a span is itself, so that it changes only when its edge does', () => {
  const { max } = spanAt('24h', NOW);
  expect(spanAt('24h', max)).toEqual(spanAt('24h', NOW));
});

test('an hour is drawn at most once a second', () => {
  expect(drawSlot('1h', 10_000)).toBe(drawSlot('1h', 10_999));
  expect(drawSlot('1h', 10_000)).not.toBe(drawSlot('1h', 11_000));
});

test('only known ranges are accepted from storage', () => {
  expect(isRange('7d')).toBe(true);
  for (const other of ['2h', '', null, undefined, 7, 'toString']) expect(isRange(other)).toBe(false);
});

const span = { min: 0, max: 100 };

test('the change over a range goes from its first value to its last', () => {
  expect(changeOver([0, 50, 100], [10, 99, 11], span)).toBeCloseTo(10);
  expect(changeOver([-5, 5, 100], [1, 10, 5], span)).toBeCloseTo(-50);
  expect(changeOver([0, 50, 100], [10, 12, null], span)).toBeCloseTo(20);
});

test('there is no change without two values, from zero, or where most of the range is missing', () => {
  expect(changeOver([], [], span)).toBeNull();
  expect(changeOver([0], [1], span)).toBeNull();
  expect(changeOver([0, 100], [0, 1], span)).toBeNull();
  expect(changeOver([60, 100], [1, 2], span)).toBeNull();
  expect(changeOver([0, 100], [null, null], span)).toBeNull();
});
