/** Builds one uPlot the way all charts of the window look and behave. */
import uPlot from 'uplot';
import { clockTime, date, dayTime, minuteTime } from '../format';
import type { Span } from '../state/range';
import { palette, token } from './palette';
import { nearestPoint, type Columns } from './window';

/** One line of a chart. Colours are names of tokens, so that both themes have theirs. */
export interface Line {
  label: string;
  /** The label where room is short. */
  short?: string;
  color: string;
  /** Dash pattern in CSS pixels: a sign beside the colour. */
  dash?: readonly number[];
  fill?: boolean;
}

export interface PlotFacts {
  lines: readonly Line[];
  /** The range of the value axis for the values in view. */
  yRange: (min: number | null, max: number | null) => [number, number];
  /** Where ticks go; without it uPlot chooses. */
  yTicks?: (min: number, max: number) => number[];
  /** Text of all ticks at once, so that they can share their digits. */
  yText: (ticks: number[]) => string[];
  axisWidth: number;
  minWidth?: number;
  /** Charts of one key share a crosshair by time. */
  sync: string;
  /** How far from the crosshair a point may lie to be read, in milliseconds. */
  reach: () => number;
}

/** What the crosshair reads: the time under it and for each line the index of the point, or `null`. */
export interface Reading {
  at_ms: number;
  indexes: readonly (number | null)[];
}

const FONT = '11px system-ui, sans-serif';

/** A time on the axis: as exact as the distance between two ticks asks for. */
function timeText(at_ms: number, step_ms: number): string {
  if (step_ms < 60_000) return clockTime(at_ms);
  if (step_ms < 86_400_000 * 0.9) {
    const midnight = new Date(at_ms);
    return midnight.getHours() === 0 && midnight.getMinutes() === 0 ? dayTime(at_ms) : minuteTime(at_ms);
  }
  return step_ms > 86_400_000 * 200 ? date(at_ms) : dayTime(at_ms);
}

export function buildPlot(
  host: HTMLElement,
  facts: PlotFacts,
  span: Span,
  columns: Columns,
  onRead: (reading: Reading | null) => void,
  onDraw: () => void,
): uPlot {
  const colors = palette(facts.lines);
  let built = false;
  const options: uPlot.Options = {
    width: Math.max(1, host.clientWidth),
    height: Math.max(1, host.clientHeight),
    ms: 1,
    pxAlign: 1,
    padding: [8, 0, 0, 0],
    legend: { show: false },
    scales: {
      // The first draw shows the span at once; later ones are told theirs by `setScale`.
      x: { time: true, range: (_, min, max) => (built ? [min!, max!] : [span.min, span.max]) },
      y: { range: (_, min, max) => facts.yRange(min, max) },
    },
    cursor: {
      y: false,
      drag: { x: false, y: false, setScale: false },
      sync: { key: facts.sync, scales: ['x', null], setSeries: false },
      dataIdx: (u, series, closest, x) =>
        series === 0
          ? closest
          : (nearestPoint(u.data[0] as number[], u.data[series]!, closest, x, facts.reach()) as number),
      points: { size: 7, width: 0, stroke: (_, i) => colors()[i - 1]!, fill: (_, i) => colors()[i - 1]! },
    },
    series: [
      {},
      ...facts.lines.map((line, i): uPlot.Series => ({
        label: line.label,
        stroke: () => colors()[i]!,
        width: 1.5,
        ...(line.dash ? { dash: [...line.dash] } : {}),
        ...(line.fill ? { fill: () => `${colors()[i]!}18` } : {}),
        spanGaps: false,
        // A point without neighbours has no line to be seen by.
        points: { show: true, size: 4, filter: lonely, stroke: () => colors()[i]!, fill: () => colors()[i]! },
      })),
    ],
    axes: [
      {
        stroke: () => token('muted'),
        font: FONT,
        size: 24,
        gap: 6,
        space: 64,
        grid: { show: false },
        ticks: { show: false },
        values: (u, ticks) => {
          const step = ticks.length > 1 ? ticks[1]! - ticks[0]! : 60_000;
          const width = u.over.clientWidth;
          // A label that would be cut off at an edge is left out.
          return ticks.map((tick) => {
            const left = u.valToPos(tick, 'x');
            return left < 16 || left > width - 16 ? '' : timeText(tick, step);
          });
        },
      },
      {
        side: 1,
        stroke: () => token('muted'),
        font: FONT,
        size: facts.axisWidth,
        gap: 6,
        space: 56,
        grid: { stroke: () => token('line'), width: 0.6 },
        ticks: { show: false },
        ...(facts.yTicks
          ? { splits: (_u: uPlot, _i: number, min: number, max: number) => facts.yTicks!(min, max) }
          : {}),
        values: (_, ticks) => facts.yText(ticks),
      },
    ],
    hooks: {
      setCursor: [
        (u) => {
          const left = u.cursor.left ?? -1;
          if (left < 0 || u.data[0].length === 0) onRead(null);
          else
            onRead({
              at_ms: u.posToVal(left, 'x'),
              indexes: (u.cursor.idxs ?? []).slice(1) as (number | null)[],
            });
        },
      ],
      draw: [
        (u) => {
          drawEnds(u, colors());
          onDraw();
        },
      ],
    },
  };
  const plot = new uPlot(options, columns as uPlot.AlignedData, host);
  built = true;
  return plot;
}

/** Puts the crosshair of this plot and of those it is synced with at a place, or away with `null`. */
export function moveCrosshair(plot: uPlot, left: number | null): void {
  // The third argument passes the move on to the synced plots; uPlot's types leave it out.
  const setCursor = plot.setCursor as (
    at: { left: number; top: number },
    fire: boolean,
    pass: boolean,
  ) => void;
  setCursor(left === null ? { left: -10, top: -10 } : { left, top: plot.over.clientHeight / 2 }, true, true);
}

/** Indexes of points whose neighbours are both missing. */
function lonely(u: uPlot, series: number, show: boolean): number[] {
  const values = u.data[series]!;
  const found: number[] = [];
  if (!show) return found;
  for (let i = 0; i < values.length; i += 1) {
    if (values[i] != null && values[i - 1] == null && values[i + 1] == null) found.push(i);
  }
  return found;
}

/** Marks where each line is now, which is all there is to see in the first minutes of a long range. */
function drawEnds(u: uPlot, colors: readonly string[]): void {
  const ratio = uPlot.pxRatio;
  for (let series = 1; series < u.series.length; series += 1) {
    const values = u.data[series]!;
    let last = values.length - 1;
    while (last >= 0 && values[last] == null) last -= 1;
    if (last < 0) continue;
    const at = u.data[0][last]!;
    if (at < (u.scales.x!.min ?? 0)) continue;
    u.ctx.beginPath();
    u.ctx.fillStyle = colors[series - 1]!;
    u.ctx.arc(u.valToPos(at, 'x', true), u.valToPos(values[last]!, 'y', true), 2.5 * ratio, 0, 2 * Math.PI);
    u.ctx.fill();
  }
}
