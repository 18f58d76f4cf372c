/** Value axes of the charts. Pure. */
import { axisPrice, count, factor, roughShare } from '../format';

/** The values in view with room above and below; a flat line lies in the middle. */
export function priceRange(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null) return [0, 1];
  const room = max > min ? (max - min) * 0.08 : Math.abs(max) * 0.02 || 1;
  return [min >= 0 ? Math.max(0, min - room) : min - room, max + room];
}

export function priceText(ticks: number[]): string[] {
  const step = ticks.length > 1 ? ticks[1]! - ticks[0]! : Math.abs(ticks[0] ?? 1) / 100;
  return ticks.map((tick) => axisPrice(tick, step));
}

export const unitRange = (): [number, number] => [0, 1.02];

export const shareTicks = (): number[] => [0, 0.5, 1];
export const shareText = (ticks: number[]): string[] => ticks.map(roughShare);

/** 0.8 is where the engine starts to put work off. */
export const loadTicks = (): number[] => [0, 0.5, 0.8, 1];
export const loadText = (ticks: number[]): string[] =>
  ticks.map((tick) => (Number.isInteger(tick) ? count(tick) : factor(tick).replace(/0$/, '')));

/** A round number at or above the largest depth, at least 4, that halves without a remainder. */
export function depthTop(max: number | null): number {
  const need = Math.max(4, max ?? 0);
  for (let size = 1; ; size *= 10) {
    for (const factor of [4, 6, 8, 10, 20, 30]) {
      if (factor * size >= need) return factor * size;
    }
  }
}

export const depthRange = (_: number | null, max: number | null): [number, number] => [
  0,
  depthTop(max) * 1.02,
];

export function depthTicks(_: number, max: number): number[] {
  const top = depthTop(max / 1.02 - 1e-6);
  return [0, top / 2, top];
}

export const depthText = (ticks: number[]): string[] => ticks.map((tick) => count(tick));
