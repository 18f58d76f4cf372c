/** A list of jobs, newest first and without a hole, whose pages are loaded as it is scrolled. Pure. */
import type { JobItem, JobPage } from '../ipc';

/** The most jobs that the engine gives at once. */
export const PAGE = 200;
/** The most rows that are kept; who looks for an older job narrows the list. */
export const KEPT_MAX = 10_000;
/** The next page is asked for when so few rows are left below. */
const AHEAD = 60;

export interface JobRows {
  items: readonly JobItem[];
  /**
   * What follows is before this job; `null` at the end of the list. It need not be one of the items: the engine looks
   * at so many jobs for those that are wanted, and then tells how far it came, even where it found none.
   */
  next: number | null;
}

/** The rows that are drawn, `to` not among them. */
export interface Part {
  from: number;
  to: number;
}

export function wantsMore({ items, next }: JobRows, seen: Part): boolean {
  return next !== null && items.length < KEPT_MAX && items.length - seen.to < AHEAD;
}

/** The job before which the page to ask for begins: more below where that runs short, else what is seen. */
export function pageFor(rows: JobRows | null, seen: Part): number | null {
  if (rows === null) return null;
  if (wantsMore(rows, seen)) return rows.next;
  return rows.items[seen.from - 1]?.id ?? null;
}

/** Puts a page that began before the job `before` in the place of what was known of its span. */
export function merge(known: JobRows | null, before: number | null, page: JobPage): JobRows {
  if (known === null || leavesHole(known, before, page)) return page;
  const low = page.next ?? -Infinity;
  const above = before === null ? [] : known.items.filter(({ id }) => id >= before);
  const below = known.items.filter(({ id }) => id < low);
  const items = [...above, ...page.items, ...below];
  const kept = items.slice(0, KEPT_MAX);
  if (kept.length < items.length) return { items: kept, next: kept.at(-1)!.id };
  const ends = page.next === null || known.next === null;
  return { items, next: ends ? null : Math.min(page.next!, known.next!) };
}

/**
 * A first page that is full of jobs newer than any known one may not reach down to them. One that is not full looked
 * at far more jobs than come in between.
 */
function leavesHole(known: JobRows, before: number | null, page: JobPage): boolean {
  if (before !== null || page.next === null || page.items.length < PAGE) return false;
  return (known.items[0]?.id ?? -Infinity) < page.next;
}

/** How far the row at `at` moved when the list changed: what came above it, less what went. */
export function shiftOf(before: readonly JobItem[], after: readonly JobItem[], at: number): number {
  const places = new Map(after.map(({ id }, place) => [id, place]));
  for (const { id } of before.slice(at)) {
    const place = places.get(id);
    if (place !== undefined) return place - at;
  }
  return 0;
}

/** Where a key moves the mark from `at` among `count` rows, of which a screen shows `screen`; `null` for other keys. */
export function moved(key: string, at: number, count: number, screen: number): number | null {
  const steps: Record<string, number> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    PageDown: at + screen,
    PageUp: at - screen,
    Home: 0,
    End: count - 1,
  };
  const to = steps[key];
  return to === undefined || count === 0 ? null : Math.max(0, Math.min(count - 1, to));
}
