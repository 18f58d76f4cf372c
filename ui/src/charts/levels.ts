/** The levels of the cache as series: the same colours, dashes and order wherever they appear. */
import type { CacheLevel, Sample } from '../ipc';
import { text } from '../text/en';
import type { Line, PlotFacts } from './plot';
import { shareText, shareTicks, unitRange } from './scales';

/** From the nearest to the farthest. */
export const LEVELS: readonly CacheLevel[] = ['memory', 'files', 'database', 'origin'];

export const LEVEL_LINES: Readonly<Record<CacheLevel, Line>> = {
  memory: { label: text.cache.memory, short: text.cache.memoryShort, color: 'l1' },
  files: { label: text.cache.files, short: text.cache.filesShort, color: 'l2', dash: [5, 3] },
  database: { label: text.cache.database, short: text.cache.databaseShort, color: 'l3', dash: [2, 3] },
  origin: { label: text.cache.origin, color: 'origin', dash: [6, 2, 2, 2] },
};

/** The hit rate of each level over time, in the order of `LEVELS`. */
export function hitRatePlot(shared: Pick<PlotFacts, 'sync' | 'reach' | 'axisWidth'>): PlotFacts {
  return {
    ...shared,
    lines: LEVELS.map((level) => LEVEL_LINES[level]),
    yRange: unitRange,
    yTicks: shareTicks,
    yText: shareText,
  };
}

/** The hit rates of one sample, in the order of `LEVELS`. */
export function hitRates(sample: Sample | null): (number | null)[] {
  return LEVELS.map((level) => sample?.cache[level] ?? null);
}
