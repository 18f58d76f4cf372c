import { expect, test } from 'vitest';
import type { JobItem, JobPage } from '../src/ipc';
import { KEPT_MAX, merge, moved, pageFor, shiftOf, wantsMore, type JobRows } from '../src/state/joblist';

const job = (id: number, about = ''): JobItem => ({ id, about }) as JobItem;
/** Jobs from `from` down to `to`. */
const jobs = (from: number, to: number, about?: string): JobItem[] =>
  Array.from({ length: Math.max(0, from - to + 1) }, (_, i) => job(from - i, about));
const page = (from: number, to: number, last = false): JobPage => ({
  items: jobs(from, to, 'new'),
  next: last ? null : to,
});
const ids = ({ items }: JobRows): number[] => items.map(({ id }) => id);
const known: JobRows = { items: jobs(100, 1), next: null };

test('the first page is the list', () => {
  expect(merge(null, null, page(10, 6))).toEqual({ items: jobs(10, 6, 'new'), next: 6 });
});

test('the next page goes on below', () => {
  const rows = merge(merge(null, null, page(10, 6)), 6, page(5, 1, true));
  expect(ids(rows)).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  expect(rows.next).toBeNull();
});

test('new jobs come above, and older ones that were loaded stay', () => {
  const rows = merge(known, null, page(103, 91));
  expect(ids(rows)).toEqual(jobs(103, 1).map(({ id }) => id));
  expect(rows.items.filter(({ about }) => about === 'new')).toHaveLength(13);
  expect(rows.next).toBeNull();
});

test('a page in the middle replaces its span alone: what is no longer in it is gone', () => {
  const rows = merge(known, 51, { items: [job(50, 'new'), job(48, 'new'), job(41, 'new')], next: 41 });
  expect(ids(rows).slice(48, 56)).toEqual([52, 51, 50, 48, 41, 40, 39, 38]);
  expect(rows.next).toBeNull();
});

test('more new jobs than a page holds leave no hole: what is below them is loaded again', () => {
  const rows = merge(known, null, page(900, 701));
  expect(ids(rows)).toEqual(jobs(900, 701).map(({ id }) => id));
  expect(rows.next).toBe(701);
});

test('a page that found little tells how far it looked, and what was found further on stays', () => {
  const rows = merge(null, null, { items: [], next: 5_000 });
  expect(rows).toEqual({ items: [], next: 5_000 });
  expect(wantsMore(rows, { from: 0, to: 0 })).toBe(true);
  const further = merge(rows, 5_000, { items: [job(7)], next: 3 });
  expect(further).toEqual({ items: [job(7)], next: 3 });
  const again = merge(further, null, { items: [job(9_000)], next: 6_000 });
  expect(again).toEqual({ items: [job(9_000), job(7)], next: 3 });
  expect(merge(again, 3, { items: [], next: null }).next).toBeNull();
});

test('a full page after an empty list goes on below', () => {
  expect(merge({ items: [], next: null }, null, page(900, 701)).next).toBe(701);
});

test('a last page ends the list, even where older jobs were known', () => {
  expect(ids(merge(known, null, page(2, 1, true)))).toEqual([2, 1]);
  expect(merge(known, null, { items: [], next: null })).toEqual({ items: [], next: null });
});

test('a list is bounded, and can still be continued', () => {
  const full: JobRows = { items: jobs(KEPT_MAX, 1), next: 1 };
  const rows = merge(full, null, page(KEPT_MAX + 3, KEPT_MAX - 9));
  expect(rows.items).toHaveLength(KEPT_MAX);
  expect(rows.next).toBe(4);
  expect(wantsMore(rows, { from: KEPT_MAX - 10, to: KEPT_MAX })).toBe(false);
});

test('the page that is asked for is the one that is seen, or the next where the list ends soon', () => {
  const long: JobRows = { items: jobs(400, 201), next: 201 };
  expect(pageFor(null, { from: 0, to: 0 })).toBeNull();
  expect(pageFor(long, { from: 0, to: 40 })).toBeNull();
  expect(pageFor(long, { from: 50, to: 90 })).toBe(351);
  expect(pageFor(long, { from: 150, to: 190 })).toBe(201);
  expect(pageFor({ ...long, next: null }, { from: 150, to: 190 })).toBe(251);
});

test('what was seen stays in its place, also when it is gone itself', () => {
  expect(shiftOf(jobs(10, 1), jobs(13, 1), 4)).toBe(3);
  const without = jobs(13, 1).filter(({ id }) => id !== 6);
  expect(shiftOf(jobs(10, 1), without, 4)).toBe(3);
  expect(shiftOf(jobs(10, 1), [], 4)).toBe(0);
  expect(shiftOf([], jobs(10, 1), 0)).toBe(0);
});

test('keys move the mark within the list', () => {
  const to = (key: string, at: number): number | null => moved(key, at, 100, 20);
  expect(['ArrowDown', 'ArrowUp', 'PageDown', 'PageUp', 'Home', 'End'].map((key) => to(key, 50))).toEqual([
    51, 49, 70, 30, 0, 99,
  ]);
  expect(to('ArrowUp', 0)).toBe(0);
  expect(to('ArrowDown', 99)).toBe(99);
  expect(to('ArrowDown', -1)).toBe(0);
  expect(to('a', 5)).toBeNull();
  expect(moved('End', -1, 0, 20)).toBeNull();
});
