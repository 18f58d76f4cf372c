/** What the counts of the cache say: rates, shares and how an entry stands. Pure. */
import type { CacheEntry, CacheLevel, CacheLevelView, CacheRegionView } from '../ipc';

/** The share of its look-ups that a level answered; `null` where there was none. */
export function hitRate({ hits, misses }: Pick<CacheLevelView, 'hits' | 'misses'>): number | null {
  return hits + misses > 0 ? hits / (hits + misses) : null;
}

/** How much of its bound a level fills, `0..1`; `null` where it has no bound. */
export function filled({ bytes, bytes_max }: Pick<CacheLevelView, 'bytes' | 'bytes_max'>): number | null {
  return bytes_max > 0 ? Math.min(1, Math.max(0, bytes / bytes_max)) : null;
}

export type Shares = Readonly<Record<CacheLevel, number>>;

type Counts = Pick<CacheRegionView, 'reads' | 'hits_memory' | 'hits_files' | 'hits_database'>;

/**
 * By what share each level answered the reads of a region; `null` where there was none.
 *
 * What no level answered went to the source. The counters are read one after the other while others count
 * on, so a sum may be ahead of `reads`: shares are of the larger, and together they are always 1.
 */
export function shares({ reads, hits_memory, hits_files, hits_database }: Counts): Shares | null {
  const hits = hits_memory + hits_files + hits_database;
  const all = Math.max(reads, hits);
  if (all <= 0) return null;
  return {
    memory: hits_memory / all,
    files: hits_files / all,
    database: hits_database / all,
    origin: (all - hits) / all,
  };
}

/** The share of reads that any level answered. */
export function answered(from: Shares | null): number | null {
  return from && 1 - from.origin;
}

export interface OriginFacts {
  reads: number;
  /** The share of all reads that went to the source. */
  share: number | null;
  computations: number;
  failures: number;
  stale_serves: number;
}

/** What reached the source, over all regions. */
export function originFacts(regions: readonly CacheRegionView[]): OriginFacts {
  const sum = (of: (region: CacheRegionView) => number): number =>
    regions.reduce((total, region) => total + of(region), 0);
  const all = shares({
    reads: sum((region) => region.reads),
    hits_memory: sum((region) => region.hits_memory),
    hits_files: sum((region) => region.hits_files),
    hits_database: sum((region) => region.hits_database),
  });
  return {
    reads: sum((region) => region.reads),
    share: all && all.origin,
    computations: sum((region) => region.computations),
    failures: sum((region) => region.failures),
    stale_serves: sum((region) => region.stale_serves),
  };
}

export type Standing = 'fresh' | 'stale' | 'expired';

/** How an entry that was looked up stands at `now_ms`: what was fresh then may have aged since. */
export function standing(entry: CacheEntry, now_ms: number): Standing {
  if (entry.fresh && now_ms < entry.expires_at_ms) return 'fresh';
  return now_ms < entry.stale_until_ms ? 'stale' : 'expired';
}
