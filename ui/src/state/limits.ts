/** What the limits of a service say: how much is used, and what holds its calls back. Pure. */
import type { BreakerState, ByPriority, ServiceLimits, ServiceState } from '../ipc';

/** How much of what is allowed at present is used, `0..1`. */
export function usedShare({ used, allowed }: Pick<ServiceLimits, 'used' | 'allowed'>): number {
  return allowed > 0 ? Math.min(1, used / allowed) : 1;
}

/** How much of the month is used, `0..1`; `null` where the month has no bound. */
export function monthShare({
  month_left,
  month_budget,
}: Pick<ServiceLimits, 'month_left' | 'month_budget'>): number | null {
  if (month_left === null || month_budget === null || month_budget <= 0) return null;
  return Math.min(1, Math.max(0, 1 - month_left / month_budget));
}

/** A breaker in the words of a service's state: what colour and shape it has. */
export function breakerLook(breaker: BreakerState): ServiceState {
  if (breaker === 'closed') return 'up';
  return breaker === 'half_open' ? 'degraded' : 'down';
}

/** What keeps calls from passing at this moment, the longest lasting first. */
export type Obstacle =
  | { what: 'isolated' }
  | { what: 'open'; until_ms: number | null }
  | { what: 'month' }
  | { what: 'hold'; until_ms: number }
  | { what: 'full'; until_ms: number | null };

export function obstacle(service: ServiceLimits, now_ms: number): Obstacle | null {
  if (service.breaker === 'isolated') return { what: 'isolated' };
  if (service.breaker === 'open') return { what: 'open', until_ms: service.breaker_until_ms };
  if (service.month_left === 0) return { what: 'month' };
  const hold = service.hold_until_ms;
  if (hold !== null && hold > now_ms) return { what: 'hold', until_ms: hold };
  if (service.used >= service.allowed) return { what: 'full', until_ms: service.resets_at_ms };
  return null;
}

export function waitingInAll({ critical, high, normal, low }: ByPriority): number {
  return critical + high + normal + low;
}

/** The number that was typed as a limit; `null` where it is none within `1..max`. */
export function limitOf(typed: string, max: number): number | null {
  if (!/^\d{1,9}$/.test(typed.trim())) return null;
  const limit = Number(typed);
  return limit >= 1 && limit <= max ? limit : null;
}
