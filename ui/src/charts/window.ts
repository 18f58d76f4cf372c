/** The bounded columns of one chart: loaded from history, appended to live. No drawing, no Svelte. */

export type Value = number | null;
export type Columns = [at: number[], ...values: Value[][]];

/** Points further apart than this many steps have missing data between them. */
export const GAP_STEPS = 3;

/** More points than any chart has pixels, with room for gaps. */
export const POINT_LIMIT = 2_400;

export class ChartWindow {
  #at: number[] = [];
  #values: Value[][];
  #step = 1;
  /** The last point that live values no longer replace. */
  #settled_at = -Infinity;
  #provisional = false;

  constructor(
    width: number,
    readonly limit = POINT_LIMIT,
  ) {
    this.#values = Array.from({ length: width }, () => []);
  }

  /** Number of points with at least one value. */
  get points(): number {
    let points = 0;
    for (let i = 0; i < this.#at.length; i += 1) {
      if (this.#values.some((column) => column[i] !== null)) points += 1;
    }
    return points;
  }

  get lastAt(): number | null {
    return this.#at.at(-1) ?? null;
  }

  get step(): number {
    return this.#step;
  }

  /** Replaces everything. Points must be in order; one that is not is left out. */
  load(at: readonly number[], values: readonly (readonly Value[])[], step_ms: number): void {
    this.#at = [];
    this.#values = this.#values.map(() => []);
    this.#step = Math.max(1, step_ms);
    this.#provisional = false;
    for (let i = 0; i < at.length; i += 1) {
      const point = at[i]!;
      if (!Number.isFinite(point) || point <= (this.lastAt ?? -Infinity)) continue;
      this.#push(
        point,
        values.map((column) => column[i] ?? null),
      );
    }
    this.#settled_at = this.lastAt ?? -Infinity;
    this.#bound();
  }

  /**
   * Adds a live point. Within one step of the last settled point it replaces the live point before it, so
   * that an hour of seconds stays as dense as the history it continues. An older point changes nothing.
   */
  append(at: number, values: readonly Value[]): boolean {
    const last = this.lastAt ?? -Infinity;
    if (!Number.isFinite(at) || at < last) return false;
    if (at === last || this.#provisional) this.#pop();
    this.#push(at, values);
    this.#provisional = at - this.#settled_at < this.#step;
    if (!this.#provisional) this.#settled_at = at;
    this.#bound();
    return true;
  }

  /** Drops what lies before `min`, but for one point, from which the line enters the picture. */
  trim(min: number): void {
    let drop = 0;
    while (drop + 1 < this.#at.length && this.#at[drop + 1]! <= min) drop += 1;
    this.#drop(drop);
  }

  /** The columns for the plot; the outer array is new, so that a change is seen by identity. */
  columns(): Columns {
    return [this.#at, ...this.#values];
  }

  #push(at: number, values: readonly Value[]): void {
    const last = this.lastAt;
    if (last !== null && at - last > GAP_STEPS * this.#step) {
      this.#at.push(last + this.#step);
      for (const column of this.#values) column.push(null);
    }
    this.#at.push(at);
    this.#values.forEach((column, index) => column.push(values[index] ?? null));
  }

  #pop(): void {
    this.#at.pop();
    for (const column of this.#values) column.pop();
  }

  #bound(): void {
    if (this.#at.length > this.limit) this.#drop(this.#at.length - this.limit);
  }

  #drop(count: number): void {
    if (count <= 0) return;
    this.#at.splice(0, count);
    for (const column of this.#values) column.splice(0, count);
  }
}

/**
 * The point of a column that a crosshair at `x` reads: the nearest one with a value, if it lies within
 * `reach`, else `null`, so that a far point is never shown as the value of an empty time.
 */
export function nearestPoint(
  at: readonly number[],
  values: ArrayLike<Value | undefined>,
  closest: number,
  x: number,
  reach: number,
): number | null {
  let best: number | null = null;
  for (const direction of [-1, 1]) {
    let i = direction < 0 ? closest : closest + 1;
    while (i >= 0 && i < at.length && Math.abs(at[i]! - x) <= reach) {
      if (values[i] !== null && values[i] !== undefined) {
        if (best === null || Math.abs(at[i]! - x) < Math.abs(at[best]! - x)) best = i;
        break;
      }
      i += direction;
    }
  }
  return best;
}
