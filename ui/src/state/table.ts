/** Filtering, sorting and windowing of the Markets table. Pure. */
import type { MarketRow } from '../ipc';

export type SortKey =
  | 'rank'
  | 'name'
  | 'price'
  | 'change_1h_pct'
  | 'change_24h_pct'
  | 'change_7d_pct'
  | 'volume_24h'
  | 'market_cap'
  | 'watched';

export interface Sort {
  key: SortKey;
  descending: boolean;
}

/** The order a column takes when it is first chosen: the largest first, but names and ranks from the start. */
export function firstOrder(key: SortKey): Sort {
  return { key, descending: key !== 'name' && key !== 'rank' };
}

export function nextOrder(sort: Sort, key: SortKey): Sort {
  return sort.key === key ? { key, descending: !sort.descending } : firstOrder(key);
}

export function filterRows(rows: readonly MarketRow[], query: string): MarketRow[] {
  const asked = query.trim().toLowerCase();
  if (asked === '') return [...rows];
  return rows.filter((row) =>
    [row.symbol, row.name, row.id].some((text) => text.toLowerCase().includes(asked)),
  );
}

/** Sorts a copy. A missing value comes last in either order, and equals keep their rank. */
export function sortRows(rows: readonly MarketRow[], { key, descending }: Sort): MarketRow[] {
  const sign = descending ? -1 : 1;
  const value = (row: MarketRow): number | string | null => {
    if (key === 'name') return row.symbol.toLowerCase();
    if (key === 'watched') return row.watched ? 1 : 0;
    return row[key];
  };
  return rows.toSorted((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === null || y === null) return x === y ? byRank(a, b) : x === null ? 1 : -1;
    if (x === y) return byRank(a, b);
    return typeof x === 'string' ? sign * x.localeCompare(String(y)) : sign * (x - Number(y));
  });
}

function byRank(a: MarketRow, b: MarketRow): number {
  return (a.rank ?? Infinity) - (b.rank ?? Infinity) || 0;
}

/** Which rows of a scrolled list to draw, with some beyond either edge. */
export function rowsInView(
  scrollTop: number,
  height: number,
  rowHeight: number,
  count: number,
  beyond = 6,
): { from: number; to: number } {
  const from = Math.max(0, Math.min(count, Math.floor(scrollTop / rowHeight) - beyond));
  const to = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + beyond);
  return { from, to: Math.max(from, to) };
}
