/** The ranges a chart can show, and the part of time that each shows at a moment. Pure. */
import type { Range } from '../ipc';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export interface RangeFacts {
  length_ms: number;
  /** How often the right edge moves on. About one pixel of a wide chart: more often would draw the same picture. */
  edge_ms: number;
  /** How often a live value is drawn at the right edge. */
  draw_ms: number;
}

export const RANGES: Readonly<Record<Range, RangeFacts>> = {
  '1h': { length_ms: HOUR, edge_ms: 5_000, draw_ms: 1_000 },
  '24h': { length_ms: DAY, edge_ms: MINUTE, draw_ms: 5_000 },
  '7d': { length_ms: 7 * DAY, edge_ms: 10 * MINUTE, draw_ms: 30_000 },
  '30d': { length_ms: 30 * DAY, edge_ms: 30 * MINUTE, draw_ms: 60_000 },
  '1y': { length_ms: 365 * DAY, edge_ms: 6 * HOUR, draw_ms: 60_000 },
};

export const OVERVIEW_RANGES: readonly Range[] = ['1h', '24h', '7d', '30d'];
export const TOKEN_RANGES: readonly Range[] = ['1h', '24h', '7d', '30d', '1y'];

export function isRange(text: unknown): text is Range {
  return typeof text === 'string' && Object.hasOwn(RANGES, text);
}

export interface Span {
  min: number;
  max: number;
}

/** The span a range shows at `now_ms`: its right edge lies at or after now and moves in steps. */
export function spanAt(range: Range, now_ms: number): Span {
  const { length_ms, edge_ms } = RANGES[range];
  const max = Math.ceil(now_ms / edge_ms) * edge_ms;
  return { min: max - length_ms, max };
}

/** The number of the drawing slot `now_ms` lies in: a live chart is drawn once in each. */
export function drawSlot(range: Range, now_ms: number): number {
  return Math.floor(now_ms / RANGES[range].draw_ms);
}

/** The relative change in per cent from the first value to the last, where the data covers most of the span. */
export function changeOver(
  at: readonly number[],
  values: readonly (number | null)[],
  span: Span,
): number | null {
  const first = values.findIndex((value, index) => value !== null && at[index]! >= span.min);
  const last = values.findLastIndex((value) => value !== null);
  if (first < 0 || last <= first) return null;
  if (at[first]! - span.min > 0.2 * (span.max - span.min)) return null;
  const from = values[first]!;
  return from > 0 ? (values[last]! / from - 1) * 100 : null;
}
