/** A cache for the fake engine: counters that grow, entries that age, levels that can be taken away. */
import type { CacheEntry, CacheLevel, CacheRegionView, CacheView, Invalidation } from '../src/ipc';
import { TOKENS } from './market';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const ALL: CacheLevel[] = ['memory', 'files', 'database'];

/** Name, reads a second, and the shares that L1, L2 and L3 answer. */
const REGIONS: [string, number, number, number, number][] = [
  ['charts', 1.4, 0.58, 0.21, 0.09],
  ['markets', 3.1, 0.91, 0.04, 0.02],
  ['prices', 21, 0.86, 0.07, 0.035],
  ['tokens', 0.4, 0.44, 0.31, 0.17],
];

const CLASSES: [string, number, number, CacheLevel[]][] = [
  ['price', 5 * MINUTE, 30 * DAY, ALL],
  ['market-summary', 10 * MINUTE, 7 * DAY, ALL],
  ['token', DAY, 30 * DAY, ALL],
  ['chart', 5 * MINUTE, 0, ['memory', 'files']],
];

interface Kept {
  region: string;
  tags: string[];
  at: number;
  class: (typeof CLASSES)[number];
  kind: string;
  bytes: number;
}

export class FakeCache {
  #started = Date.now() - 52 * MINUTE;
  #kept = new Map<string, Kept>();
  #factor: number;

  constructor(readonly scenario: string) {
    this.#factor = scenario === 'bypassed' ? 1.62 : 1;
    for (const { id } of TOKENS.slice(0, 40)) {
      this.#keep('prices', `usd:${id}:CoinGecko`, ['CoinGecko', `token:${id}`], 0, 'market.price', 412);
      this.#keep('charts', `1:usd:${id}:CoinGecko`, ['CoinGecko'], 3, 'market.chart', 18_204);
    }
    this.#keep('markets', 'usd::CoinGecko', ['CoinGecko'], 1, 'market.table', 94_310);
  }

  #keep(region: string, key: string, tags: string[], of: number, kind: string, bytes: number): void {
    const at = Date.now() - 72_000;
    this.#kept.set(`${region} ${key}`, { region, tags, at, class: CLASSES[of]!, kind, bytes });
  }

  view(): CacheView {
    const now = Date.now();
    const none = this.scenario === 'empty';
    const down = this.scenario === 'bypassed';
    const run = none ? 0 : (now - this.#started) / 1_000;
    const regions = none ? [] : REGIONS.map((region) => this.#region(region, run));
    const sum = (of: (region: CacheRegionView) => number): number =>
      regions.reduce((total, region) => total + of(region), 0);
    const [memory, files, database, reads] = [
      sum((region) => region.hits_memory),
      sum((region) => region.hits_files),
      sum((region) => region.hits_database),
      sum((region) => region.reads),
    ];
    const since = { since_ms: this.#started, last_error: null, errors: 0, waiting: 0 };
    return {
      now_ms: now,
      ttl_factor: this.#factor,
      ttl_reason: down
        ? 'The load is 0.86, so values live longer and the source is asked less.'
        : 'The load is 0.34, so every value lives as long as its class says.',
      levels: [
        {
          level: 'memory',
          state: 'up',
          ...since,
          bytes: none ? 0 : 41.3e6 + (run % 40) * 3e4,
          bytes_max: 64 << 20,
          entries: none ? 0 : 18_204,
          hits: memory,
          misses: reads - memory,
          evictions: Math.floor(run * 0.4),
          p50_us: none ? null : 1,
          p99_us: none ? null : 14,
        },
        {
          level: 'files',
          state: down ? 'down' : 'up',
          ...since,
          ...(down
            ? {
                since_ms: now - 254_000,
                last_error: 'No space left on the device that holds the data folder.',
                errors: 5,
                waiting: 38,
              }
            : {}),
          bytes: none ? 0 : 212e6,
          bytes_max: 512 << 20,
          entries: none ? 0 : 61_730,
          hits: files,
          misses: reads - memory - files,
          evictions: none ? 0 : 1_204,
          p50_us: none ? null : 38,
          p99_us: none ? null : 410,
        },
        {
          level: 'database',
          state: down ? 'degraded' : 'up',
          ...since,
          ...(down ? { errors: 2, last_error: 'The database was busy for longer than 100 ms.' } : {}),
          bytes: none ? 4_096 : 88e6,
          bytes_max: 256 << 20,
          entries: none ? 0 : 40_118,
          hits: database,
          misses: reads - memory - files - database,
          evictions: 0,
          p50_us: none ? null : 184,
          p99_us: none ? null : 2_450,
        },
      ],
      regions,
      classes: CLASSES.map(([name, ttl_ms, max_stale_ms, levels]) => ({
        name,
        ttl_ms,
        effective_ttl_ms: Math.round(ttl_ms * this.#factor),
        max_stale_ms,
        levels,
      })),
    };
  }

  #region([name, rate, l1, l2, l3]: (typeof REGIONS)[number], run: number): CacheRegionView {
    const reads = Math.floor(run * rate);
    const hits = [l1, l2, l3].map((part) => Math.floor(reads * part));
    const origin = reads - hits[0]! - hits[1]! - hits[2]!;
    return {
      name,
      reads,
      hits_memory: hits[0]!,
      hits_files: hits[1]!,
      hits_database: hits[2]!,
      origin,
      stale_serves: name === 'prices' ? 14 : 0,
      computations: Math.floor(origin * 0.8),
      failures: name === 'prices' ? 3 : 0,
    };
  }

  entry(region: string, key: string): CacheEntry | null {
    const kept = this.#kept.get(`${region} ${key}`);
    if (!kept) return null;
    const [, ttl, max_stale, levels] = kept.class;
    const now = Date.now();
    const expires_at_ms = kept.at + ttl * this.#factor;
    return {
      region,
      key,
      levels,
      created_at_ms: kept.at,
      age_ms: now - kept.at,
      expires_at_ms,
      stale_until_ms: expires_at_ms + max_stale,
      fresh: now < expires_at_ms,
      tags: kept.tags,
      kind: kept.kind,
      bytes: kept.bytes,
      secret: false,
    };
  }

  invalidate(what: Invalidation): void {
    for (const [name, kept] of this.#kept) {
      const meant =
        what.tag !== undefined ? kept.tags.includes(what.tag) : name === `${what.region} ${what.key}`;
      if (meant) this.#kept.delete(name);
    }
  }

  clear(region: string): void {
    for (const [name, kept] of this.#kept) if (kept.region === region) this.#kept.delete(name);
  }
}
