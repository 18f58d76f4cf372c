import { expect, test } from 'vitest';
import type { MarketRow } from '../src/ipc';
import { filterRows, nextOrder, rowsInView, sortRows } from '../src/state/table';

const row = (id: string, more: Partial<MarketRow> = {}): MarketRow => ({
  id,
  symbol: id.toUpperCase(),
  name: `Name of ${id}`,
  rank: null,
  price: null,
  change_1h_pct: null,
  change_24h_pct: null,
  change_7d_pct: null,
  volume_24h: null,
  market_cap: null,
  spark: [],
  watched: false,
  ...more,
});
const ids = (rows: MarketRow[]): string[] => rows.map(({ id }) => id);

const rows = [
  row('b', { price: 2, rank: 2 }),
  row('none', { rank: 4 }),
  row('a', { price: 10, rank: 3 }),
  row('c', { price: 2, rank: 1 }),
];

test('missing values come last in either order, and equals keep their rank', () => {
  expect(ids(sortRows(rows, { key: 'price', descending: true }))).toEqual(['a', 'c', 'b', 'none']);
  expect(ids(sortRows(rows, { key: 'price', descending: false }))).toEqual(['c', 'b', 'a', 'none']);
});

test('names sort as words and sorting leaves the rows it was given alone', () => {
  const before = ids(rows);
  expect(ids(sortRows(rows, { key: 'name', descending: false }))).toEqual(['a', 'b', 'c', 'none']);
  expect(ids(rows)).toEqual(before);
});

test('a column first shows its largest values, then its smallest; names and ranks the other way round', () => {
  const first = nextOrder({ key: 'rank', descending: false }, 'price');
  expect(first).toEqual({ key: 'price', descending: true });
  expect(nextOrder(first, 'price')).toEqual({ key: 'price', descending: false });
  expect(nextOrder(first, 'name')).toEqual({ key: 'name', descending: false });
});

test('the filter looks at ticker, name and id', () => {
  expect(ids(filterRows(rows, ' NAME of a'))).toEqual(['a']);
  expect(filterRows(rows, '')).toHaveLength(4);
  expect(filterRows(rows, 'zzz')).toEqual([]);
});

test('only rows in view and a few beyond are drawn', () => {
  expect(rowsInView(0, 400, 40, 1_000)).toEqual({ from: 0, to: 16 });
  expect(rowsInView(4_000, 400, 40, 1_000)).toEqual({ from: 94, to: 116 });
  expect(rowsInView(39_600, 400, 40, 1_000)).toEqual({ from: 984, to: 1_000 });
});

test('a list that became shorter than its scroll position still gives a valid part', () => {
  expect(rowsInView(9_000, 400, 40, 5)).toEqual({ from: 5, to: 5 });
  expect(rowsInView(0, 0, 40, 0)).toEqual({ from: 0, to: 0 });
});
