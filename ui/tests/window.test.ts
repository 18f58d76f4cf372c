import { expect, test } from 'vitest';
import { ChartWindow, nearestPoint } from '../src/charts/window';

function loaded(at: number[], step = 10, limit?: number): ChartWindow {
  const window = new ChartWindow(1, limit);
  window.load(at, [at.map((time) => time / 10)], step);
  return window;
}

test('points up to three steps apart stay connected', () => {
  expect(loaded([0, 10, 40]).columns()).toEqual([
    [0, 10, 40],
    [0, 1, 4],
  ]);
});

test('points more than three steps apart have a gap between them', () => {
  expect(loaded([0, 10, 41]).columns()).toEqual([
    [0, 10, 20, 41],
    [0, 1, null, 4.1],
  ]);
});

test('a live point after a pause is a gap, not a line through it', () => {
  const window = loaded([0, 10]);
  window.append(100, [7]);
  expect(window.columns()).toEqual([
    [0, 10, 20, 100],
    [0, 1, null, 7],
  ]);
});

test('live points within a step replace one another, and settle once per step', () => {
  const window = loaded([0, 10]);
  for (let at = 11; at <= 32; at += 1) window.append(at, [at]);
  expect(window.columns()[0]).toEqual([0, 10, 20, 30, 32]);
});

test('a live point as old as the last replaces it, an older one changes nothing', () => {
  const window = loaded([0, 10]);
  expect(window.append(10, [9])).toBe(true);
  expect(window.append(5, [1])).toBe(false);
  expect(window.append(NaN, [1])).toBe(false);
  expect(window.columns()).toEqual([
    [0, 10],
    [0, 9],
  ]);
});

test('history out of order keeps only what goes forward', () => {
  expect(loaded([0, 20, 10, 20, 30]).columns()[0]).toEqual([0, 20, 30]);
});

test('a window never holds more than its limit', () => {
  const window = loaded(
    Array.from({ length: 500 }, (_, i) => i * 10),
    10,
    100,
  );
  expect(window.columns()[0]).toHaveLength(100);
  for (let i = 0; i < 10_000; i += 1) window.append(5_000 + i * 10, [i]);
  expect(window.columns()[0]).toHaveLength(100);
  expect(window.columns()[1]).toHaveLength(100);
  expect(window.lastAt).toBe(104_990);
});

test('trimming keeps the one point from which the line enters', () => {
  const window = loaded([0, 10, 20, 30]);
  window.trim(15);
  expect(window.columns()[0]).toEqual([10, 20, 30]);
  window.trim(1_000);
  expect(window.columns()[0]).toEqual([30]);
});

test('loading again forgets what was there', () => {
  const window = loaded([0, 10, 20]);
  window.load([50], [[5]], 10);
  expect(window.columns()).toEqual([[50], [5]]);
});

test('an empty window takes live points', () => {
  const window = new ChartWindow(2);
  expect(window.points).toBe(0);
  window.append(1_000, [1, null]);
  window.append(1_001, [2, null]);
  expect(window.points).toBeGreaterThan(0);
  expect(window.lastAt).toBe(1_001);
});

test('a point without any value is not counted', () => {
  const window = new ChartWindow(1);
  window.load([0, 10, 20], [[1, null, 3]], 10);
  expect(window.points).toBe(2);
});

test('a crosshair reads the nearest point with a value, within reach', () => {
  const at = [0, 10, 20, 30];
  const values = [1, null, 3, 4];
  expect(nearestPoint(at, values, 1, 12, 30)).toBe(2);
  expect(nearestPoint(at, values, 1, 4, 30)).toBe(0);
  expect(nearestPoint(at, values, 3, 300, 30)).toBeNull();
  expect(nearestPoint([], [], 0, 5, 30)).toBeNull();
});
