/** A service whose calls are used up, held or switched off, as the scenario wants it. */
import type { BreakerState, LimitsView, ServiceLimits } from '../src/ipc';

export class FakeLimits {
  #service: ServiceLimits;

  constructor(scenario: string) {
    const now = Date.now();
    const offline = scenario === 'offline';
    const limited = scenario === 'limited';
    this.#service = {
      name: 'CoinGecko',
      used: limited ? 50 : 31,
      limit: 50,
      limit_max: 50,
      allowed: limited ? 25 : 50,
      window_ms: 60_000,
      resets_at_ms: now + 48_000,
      full_at_ms: limited ? null : now + 38_000,
      month_left: 8_211,
      month_budget: 10_000,
      waiting: { critical: 0, high: 1, normal: limited ? 4 : 0, low: limited ? 12 : 0 },
      running: 1,
      concurrency: offline ? 3 : 8,
      concurrency_max: 8,
      breaker: offline ? 'open' : 'closed',
      breaker_since_ms: now - 31_000,
      breaker_until_ms: offline ? now + 40_000 : null,
      breaker_history: offline
        ? [{ at_ms: now - 31_000, state: 'open', reason: 'no answer within 10 s' }]
        : [],
      hold_until_ms: limited ? now + 41_000 : null,
      calls: 1_204,
      errors: offline ? 16 : 2,
      retries: 3,
      retry_budget: offline ? 0.2 : 1,
      p50_ms: 142,
      p95_ms: 611,
      last_error: offline ? { at_ms: now - 31_000, text: 'no answer within 10 s' } : null,
      last_success_ms: now - (offline ? 23 * 60_000 : 12_000),
    };
  }

  view(): LimitsView {
    return { now_ms: Date.now(), services: [{ ...this.#service }], api: null };
  }

  setLimit(limit: number): ServiceLimits {
    this.#service.limit = limit;
    this.#service.allowed = limit;
    return { ...this.#service };
  }

  turn(breaker: BreakerState): ServiceLimits {
    const at_ms = Date.now();
    const reason = breaker === 'isolated' ? 'switched off by hand' : 'switched on by hand';
    const change = { at_ms, state: breaker, reason };
    const breaker_history = [change, ...this.#service.breaker_history].slice(0, 20);
    this.#service = {
      ...this.#service,
      breaker,
      breaker_since_ms: at_ms,
      breaker_until_ms: null,
      breaker_history,
    };
    return { ...this.#service };
  }
}
