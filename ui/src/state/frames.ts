/** What the stream has told so far, and how one more frame changes it. Pure. */
import type { Frame, Quote, Sample, Spark, Status } from '../ipc';

export interface Live {
  /** The engine's clock at the last frame; 0 before the first. */
  now_ms: number;
  /** Watched tokens in their order; `null` before the first frame. */
  watch: readonly string[] | null;
  quotes: Readonly<Record<string, Quote>>;
  sparks: Readonly<Record<string, Spark>>;
  sample: Sample | null;
  status: Status | null;
}

export const NOTHING_YET: Live = {
  now_ms: 0,
  watch: null,
  quotes: {},
  sparks: {},
  sample: null,
  status: null,
};

/**
 * A whole frame replaces everything; a later one only what it carries.
 *
 * Unchanged quotes keep their identity, so that what shows them is not drawn again. A quote may come before
 * the list that names its token: it is kept until the next list, which drops every token it does not name.
 */
export function reduce(live: Live, frame: Frame): Live {
  const base = frame.whole ? { ...NOTHING_YET, watch: [] } : live;
  let quotes = merge(base.quotes, frame.quotes);
  let sparks = merge(base.sparks, frame.sparks);
  if (frame.watch) {
    quotes = keep(quotes, frame.watch);
    sparks = keep(sparks, frame.watch);
  }
  return {
    now_ms: frame.now_ms,
    watch: frame.watch ?? base.watch,
    quotes,
    sparks,
    sample: frame.sample ?? base.sample,
    status: frame.status ?? base.status,
  };
}

type ById<T> = Readonly<Record<string, T>>;

function merge<T extends { id: string }>(known: ById<T>, news: readonly T[]): ById<T> {
  if (news.length === 0) return known;
  const merged: Record<string, T> = { ...known };
  for (const item of news) merged[item.id] = item;
  return merged;
}

function keep<T>(known: ById<T>, ids: readonly string[]): ById<T> {
  const named = new Set(ids);
  const dropped = Object.keys(known).filter((id) => !named.has(id));
  if (dropped.length === 0) return known;
  const kept: Record<string, T> = { ...known };
  for (const id of dropped) delete kept[id];
  return kept;
}

/** The age of the oldest watched price matters least; a glance wants the newest: when prices last arrived. */
export function newestPrice(live: Live): number | null {
  let newest: number | null = null;
  for (const id of live.watch ?? []) {
    const at = live.quotes[id]?.provenance?.as_of_ms;
    if (at !== undefined && (newest === null || at > newest)) newest = at;
  }
  return newest;
}
