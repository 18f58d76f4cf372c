import { expect, test } from 'vitest';
import { depthTicks, depthTop, priceRange, priceText } from '../src/charts/scales';

test('a price axis has room around its values, never below zero', () => {
  const [low, high] = priceRange(10, 20);
  expect(low).toBeLessThan(10);
  expect(high).toBeGreaterThan(20);
  expect(priceRange(0.1, 20)[0]).toBe(0);
});

test('a flat price lies inside its axis, also at zero', () => {
  for (const price of [0, 7.8e-11, 5, 1e6]) {
    const [low, high] = priceRange(price, price);
    expect(high).toBeGreaterThan(low);
    expect(low).toBeLessThanOrEqual(price);
    expect(high).toBeGreaterThan(price);
  }
  expect(priceRange(null, null)).toEqual([0, 1]);
});

test('a single tick is still readable', () => {
  expect(priceText([0.002131])).toHaveLength(1);
  expect(priceText([])).toEqual([]);
});

test.each([
  [0, 4],
  [4, 4],
  [5, 6],
  [7, 8],
  [11, 20],
  [41, 60],
  [61, 80],
  [1_001, 2_000],
])('a depth of %d is drawn up to %d', (depth, top) => {
  expect(depthTop(depth)).toBe(top);
  expect(depthTicks(0, top * 1.02)).toEqual([0, top / 2, top]);
});
