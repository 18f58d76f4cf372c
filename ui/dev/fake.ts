/**
 * An engine in a script, for `vite dev` outside Tauri: `?scenario=` picks the state to look at, `?theme=` the
 * colours, `?watch=` how many tokens are watched, `?jobs=` how many jobs have ended. It is never part of the production build.
 */
import type {
  Answer,
  EngineCalls,
  Frame,
  Problem,
  Profile,
  Quote,
  Range,
  Sample,
  Settings,
  Status,
  TokenHit,
} from '../src/ipc';
import { RANGES } from '../src/state/range';
import { FakeCache } from './cache';
import { FakeJobs, JobRefusal } from './jobs';
import { FakeLimits } from './limits';
import { changeSince, line, priceAt, TOKENS, type FakeToken } from './market';

const SCENARIOS = [
  'live',
  'demo',
  'fallback',
  'offline',
  'stale',
  'limited',
  'loading',
  'empty',
  'error',
  'issues',
  'young',
  'bypassed',
] as const;
type Scenario = (typeof SCENARIOS)[number];

/** A green disc of 64 px. */
const LOGO =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAYAAACqaXHeAAAAvElEQVR42u3bsRHCMBBEUXdKdfRDR0tIwjAYJFknveDHnnmZ7dvj9rgfOzfyYTlZeYA0rgxAOjctQAY3DUAu7jKATNZQgEzaEIBMXleAFKkLQIrVFCBFawKQ4v0FkEX6CSCLBeAMQBYNwDcAWTwAnwCySQDeAWSzAAAA8ALIpgEAAAAAAAAAAAAAsDuAt0EAAAD4KgzAjxEAfo4CcCABwJGUMzmHkk5lHUs7lzeYMJkxmjKbM5w0nTWeXr0nmMwGmEc/+ioAAAAASUVORK5CYII=';

const ok = <T>(data: T): Answer<T> => ({ ok: true, data });
const no = (code: string, message: string): { ok: false; problem: Problem } => ({
  ok: false,
  problem: { code, message },
});
const never = new Promise<never>(() => undefined);
const soon = <T>(answer: Answer<T>, ms = 60): Promise<Answer<T>> =>
  new Promise((done) => setTimeout(() => done(answer), ms));

export function fakeEngine(): EngineCalls {
  const asked = new URLSearchParams(location.search);
  const scenario = (SCENARIOS.find((name) => name === asked.get('scenario')) ?? 'live') as Scenario;
  const unreachable = 'The market source did not answer. Check the network, or open the demo.';

  let onFrame: ((frame: Frame) => void) | null = null;
  let watch =
    scenario === 'empty' ? [] : TOKENS.slice(0, Number(asked.get('watch') ?? 5)).map((token) => token.id);
  let profile: Profile = scenario === 'demo' || scenario === 'fallback' ? 'demo' : 'live';
  const settings: Settings = {
    profile,
    theme: 'system',
    currency: 'usd',
    currencies: ['usd', 'eur', 'gbp', 'jpy', 'chf', 'btc', 'eth'],
    has_api_key: false,
    market_base_url: 'https://api.coingecko.com/api/v3',
    refresh_interval_s: 60,
    rate_limit_per_minute: 5,
    desktop_notifications: true,
    webhook_host: null,
    config_file: '/home/you/.config/eider/eider.toml',
    data_dir: '/home/you/.local/share/eider',
    version: '0.1.0',
    issues:
      scenario === 'issues'
        ? [
            { key: 'market.refresh_interval_s', value: '"soon"', accepted: 'a whole number from 5 to 3600' },
            { key: 'market.rate_limit_per_minute', value: '9000', accepted: 'a whole number from 1 to 500' },
          ]
        : [],
  };

  const cache = new FakeCache(scenario);
  const limits = new FakeLimits(scenario);
  const jobs = new FakeJobs(scenario, Number(asked.get('jobs') ?? 1_300));
  const offline = scenario === 'offline';
  const old = offline || scenario === 'stale' ? 23 * 60_000 : 0;
  const started = Date.now();
  const token = (id: string): FakeToken | undefined => TOKENS.find((one) => one.id === id);
  /** Prices move once in 5 s; each is 12 s old when it comes. */
  const asOf = (): number => Math.floor((Date.now() - 12_000) / 5_000) * 5_000 - old;

  const provenance = (at: number) => ({
    as_of_ms: at,
    fetched_at_ms: at + 400,
    source: profile === 'demo' ? 'Simulator' : 'CoinGecko',
    cache_level: old ? ('database' as const) : ('memory' as const),
    stale: old > 0,
  });

  function quote(id: string): Quote {
    const one = token(id) ?? { id, symbol: id.toUpperCase(), name: id, price: 1, volume: 1, cap: 1 };
    const at = asOf();
    return {
      id,
      symbol: one.symbol,
      name: one.name,
      price: priceAt(one, at),
      change_24h_pct: changeSince(one, at, 864e5),
      volume_24h: one.volume,
      market_cap: one.cap,
      provenance: provenance(at),
    };
  }

  function sampleAt(at: number): Sample {
    const wave = (period: number, phase: number): number => 0.5 + 0.5 * Math.sin(at / period + phase);
    const jitter = (k: number): number => (Math.abs(Math.sin(at * k)) * 1000) % 1;
    const cpu = 0.14 + 0.18 * wave(41e4, 1) + 0.06 * jitter(0.013);
    return {
      at_ms: at,
      load: 0.22 + 0.16 * wave(39e4, 0.6) + 0.03 * jitter(0.0007),
      cpu,
      memory: 0.41 + 0.02 * wave(9e5, 0),
      process_cpu: 0.021,
      process_memory_bytes: 61e6,
      cache: {
        memory: 0.84 + 0.08 * wave(5e5, 0) + 0.02 * jitter(0.003),
        files: 0.43 + 0.06 * wave(4e5, 1) + 0.03 * jitter(0.007),
        database: 0.24 + 0.12 * wave(3e5, 2) + 0.04 * jitter(0.005),
        origin: 0.035 + 0.03 * wave(2e5, 4),
        overall: 0.964,
      },
      jobs: {
        ended_per_minute: Math.round(4 + 8 * wave(23e4, 2)),
        failed: scenario === 'offline' ? 2 : 0,
        wait_p95_ms: 3 + 40 * wave(31e4, 1),
        run_p95_ms: 240 + 300 * wave(27e4, 0.4),
      },
      queue: {
        critical: Math.round(2 * wave(1e5, 0)),
        high: Math.round(6 * wave(1.6e5, 1) + 2 * jitter(0.002)),
        normal: Math.round(18 + 10 * wave(2.2e5, 2) + 5 * jitter(0.004)),
        low: Math.round(8 + 12 * wave(3.3e5, 3)),
        running: 3,
      },
    };
  }

  function status(): Status {
    const demo = profile === 'demo';
    const limited = scenario === 'limited';
    return {
      profile: {
        active: profile,
        fell_back_to_demo: scenario === 'fallback' && demo,
        demo_seed: demo ? 7 : null,
      },
      currency: settings.currency,
      market: {
        source: demo ? 'Simulator' : 'CoinGecko',
        state: offline && !demo ? 'down' : limited ? 'degraded' : 'up',
        since_ms: started - 4e5,
        last_success_ms: asOf(),
        next_refresh_ms: limited ? null : Math.ceil((Date.now() + 1) / 60_000) * 60_000,
        problem: offline && !demo ? { code: 'unreachable', message: unreachable } : null,
        used: limited ? 50 : 12,
        limit: 50,
        window_ms: 60_000,
        month_left: demo ? null : 9_412,
        attribution: demo ? 'Simulated prices' : 'Data provided by CoinGecko',
        attribution_url: demo ? null : 'https://www.coingecko.com',
      },
      activity: 'calm',
      notices: [
        ...(offline
          ? [
              {
                key: 'offline',
                severity: 'bad' as const,
                title: 'CoinGecko is unreachable',
                body: 'Prices serve from the store.',
                action: 'retry' as const,
              },
            ]
          : []),
        ...(limited
          ? [
              {
                key: 'limited',
                severity: 'warn' as const,
                title: 'CoinGecko limited',
                body: '50 of 50 used, back in 41 s. Prices serve from cache.',
                action: 'retry' as const,
              },
            ]
          : []),
        ...(settings.issues.length > 0
          ? [
              {
                key: 'config',
                severity: 'warn' as const,
                title: '2 settings were refused',
                body: 'market.refresh_interval_s and one more; defaults are in force.',
                action: 'open_settings' as const,
              },
            ]
          : []),
        ...(jobs.failed() > 0
          ? [
              {
                key: 'jobs_failed',
                severity: 'bad' as const,
                title: `${jobs.failed()} failed ${jobs.failed() === 1 ? 'job' : 'jobs'}`,
                body: 'The latest is PROCESS_CONTENT.',
                action: 'open_jobs' as const,
              },
            ]
          : []),
        ...(scenario === 'live'
          ? [
              {
                key: 'key',
                severity: 'info' as const,
                title: 'No API key is set',
                body: 'CoinGecko allows about 5 calls a minute without one.',
                action: 'open_settings' as const,
              },
            ]
          : []),
      ],
    };
  }

  /** What the fake jobs say, or refuse with. */
  async function job<T>(work: () => T, ms = 40): Promise<Answer<T>> {
    if (scenario === 'loading') return never;
    if (scenario === 'error' || (scenario === 'stale' && Date.now() - started > 3_000))
      return no('internal', 'The engine did not answer in time. Try again.');
    try {
      return await soon(ok(work()), ms);
    } catch (error) {
      if (error instanceof JobRefusal) return no(error.code, error.message);
      throw error;
    }
  }

  const sparks = () =>
    watch.flatMap((id) => (token(id) ? [{ id, prices: line(token(id)!, asOf(), 864e5, 48) }] : []));

  function send(whole: boolean): void {
    const now = Date.now();
    onFrame?.({
      now_ms: now,
      whole,
      watch: whole ? watch : null,
      quotes: whole || Math.floor(now / 1000) % 5 === 0 ? watch.map(quote) : [],
      sparks: whole ? sparks() : [],
      sample: sampleAt(Math.floor(now / 1000) * 1000),
      status: status(),
    });
  }

  setInterval(() => document.visibilityState === 'visible' && send(false), 1_000);

  return {
    async openStream(take) {
      if (scenario === 'error') return no('engine_stopped', 'The engine has stopped. Start Eider again.');
      if (scenario === 'loading') return never;
      onFrame = take;
      setTimeout(() => send(true), 20);
      return ok(null);
    },
    setVisible: async () => ok(null),
    firstPaint: async () => ok(null),
    firstChart: async () => ok(null),
    async history(id, range: Range) {
      if (scenario === 'loading') return never;
      if (scenario === 'error') return no('unreachable', unreachable);
      const one = token(id);
      const { length_ms } = RANGES[range];
      const step_ms = { '1h': 60_000, '24h': 300_000, '7d': 3_600_000, '30d': 3_600_000, '1y': 86_400_000 }[
        range
      ];
      const end = Math.floor(asOf() / step_ms) * step_ms;
      const points = one && scenario !== 'empty' ? Math.floor((length_ms - old) / step_ms) : 0;
      const all = Array.from({ length: points }, (_, i) => end - (points - 1 - i) * step_ms);
      // A hole, as after a night without Eider.
      const at_ms = asked.has('hole') ? all.filter((_, i) => i < points * 0.4 || i > points * 0.52) : all;
      return soon(
        ok({
          id,
          currency: settings.currency,
          range,
          step_ms,
          at_ms,
          price: at_ms.map((at) => priceAt(one!, at)),
          volume_24h: at_ms.map((at) => one!.volume * (1 + 0.2 * Math.sin(at / 3e7))),
          provenance: points ? provenance(asOf()) : null,
          problem: offline ? { code: 'unreachable', message: unreachable } : null,
        }),
      );
    },
    async metricsHistory(range) {
      if (scenario === 'loading') return never;
      if (scenario === 'error')
        return no('store', 'The measurements could not be read: the database is busy. Try again.');
      const { length_ms } = RANGES[range];
      const step_ms = Math.max(1_000, length_ms / 720);
      const points = scenario === 'young' ? 30 : scenario === 'empty' ? 0 : 700;
      const samples = Array.from({ length: points }, (_, i) =>
        sampleAt(Date.now() - (points - 1 - i) * (scenario === 'young' ? 1_000 : step_ms)),
      );
      return soon(
        ok({
          step_ms,
          at_ms: samples.map((one) => one.at_ms),
          load: samples.map((one) => one.load),
          cpu: samples.map((one) => one.cpu),
          memory: samples.map((one) => one.memory),
          cache_memory: samples.map((one) => one.cache.memory),
          cache_files: samples.map((one) => one.cache.files),
          cache_database: samples.map((one) => one.cache.database),
          cache_origin: samples.map((one) => one.cache.origin),
          queue_critical: samples.map((one) => one.queue.critical),
          queue_high: samples.map((one) => one.queue.high),
          queue_normal: samples.map((one) => one.queue.normal),
          queue_low: samples.map((one) => one.queue.low),
          jobs_per_minute: samples.map((one) => one.jobs.ended_per_minute),
          jobs_failed: samples.map((one) => one.jobs.failed),
          jobs_wait_p95_ms: samples.map((one) => one.jobs.wait_p95_ms),
          jobs_run_p95_ms: samples.map((one) => one.jobs.run_p95_ms),
        }),
      );
    },
    async markets() {
      if (scenario === 'loading') return never;
      if (scenario === 'error') return no('unreachable', unreachable);
      const now = asOf();
      return soon(
        ok({
          currency: settings.currency,
          rows:
            scenario === 'empty'
              ? []
              : TOKENS.map((one, i) => ({
                  id: one.id,
                  symbol: one.symbol,
                  name: one.name,
                  rank: i + 1,
                  price: i === 9 ? null : priceAt(one, now),
                  change_1h_pct: i === 9 ? null : changeSince(one, now, 36e5),
                  change_24h_pct: i === 9 ? null : changeSince(one, now, 864e5),
                  change_7d_pct: i === 9 ? null : changeSince(one, now, 6048e5),
                  volume_24h: one.volume,
                  market_cap: i === 9 ? null : one.cap,
                  spark: i === 9 ? [] : line(one, now, 6048e5, 48),
                  watched: watch.includes(one.id),
                })),
          provenance: provenance(now),
          problem: offline ? { code: 'unreachable', message: unreachable } : null,
        }),
        120,
      );
    },
    async token(id) {
      if (scenario === 'loading') return never;
      const one = token(id);
      if (!one || scenario === 'error') return no('unknown_token', `The source knows no token ${id}.`);
      const now = asOf();
      return soon(
        ok({
          id,
          symbol: one.symbol,
          name: one.name,
          logo: LOGO,
          currency: settings.currency,
          watched: watch.includes(id),
          rank: TOKENS.indexOf(one) + 1,
          price: priceAt(one, now),
          change_24h_pct: changeSince(one, now, 864e5),
          change_7d_pct: changeSince(one, now, 6048e5),
          change_30d_pct: changeSince(one, now, 2592e6),
          high_24h: one.price * 1.04,
          low_24h: one.price * 0.97,
          ath: one.price * 3.1,
          ath_at_ms: Date.UTC(2026, 1, 3),
          market_cap: one.cap,
          fully_diluted_valuation: one.cap * 1.2,
          volume_24h: one.volume,
          circulating_supply: one.cap / one.price,
          total_supply: (one.cap * 1.2) / one.price,
          max_supply: null,
          description: `${one.name} is a token of this fake engine. Its description is plain text, of one or more paragraphs.\n\nIt wanders up and down, the same way for the same moment.`,
          homepage: 'https://example.org',
          provenance: provenance(now),
        }),
      );
    },
    async searchTokens(query) {
      if (offline) return no('unreachable', unreachable);
      const words = query.toLowerCase();
      const hits: TokenHit[] = TOKENS.filter((one) =>
        `${one.symbol} ${one.name}`.toLowerCase().includes(words),
      )
        .slice(0, 12)
        .map((one) => ({
          id: one.id,
          symbol: one.symbol,
          name: one.name,
          rank: TOKENS.indexOf(one) + 1,
          watched: watch.includes(one.id),
        }));
      return soon(ok(hits), 150);
    },
    async watch(id, position) {
      watch = watch.filter((known) => known !== id);
      watch.splice(position ?? watch.length, 0, id);
      send(true);
      return ok(null);
    },
    async unwatch(id) {
      watch = watch.filter((known) => known !== id);
      send(true);
      return ok(null);
    },
    async refresh() {
      return offline ? no('unreachable', unreachable) : ok(null);
    },
    async cacheView() {
      if (scenario === 'loading') return never;
      if (scenario === 'error' || (scenario === 'stale' && Date.now() - started > 3_000))
        return no('cache', 'The cache did not answer in time. Try again.');
      return soon(ok(cache.view()), 20);
    },
    async cacheEntry(region, key) {
      if (scenario === 'error') return no('cache', 'The cache did not answer in time. Try again.');
      if (key.length > 512) return no('out_of_bounds', 'A key must be 1 to 512 bytes long.');
      return soon(ok(cache.entry(region, key)), 40);
    },
    async invalidateCache(what) {
      cache.invalidate(what);
      return soon(ok(null), 40);
    },
    async clearCacheRegion(region) {
      cache.clear(region);
      return soon(ok(null), 40);
    },
    async warmCache() {
      if (scenario === 'empty')
        return soon(ok({ prices: 0, table_rows: 0, charts: 0, hot_keys: 0, problem: null }), 300);
      const problem =
        offline || scenario === 'limited' ? { code: 'unreachable', message: unreachable } : null;
      return soon(
        ok({ prices: watch.length, table_rows: 250, charts: problem ? 0 : 1, hot_keys: 38, problem }),
        1_200,
      );
    },
    async limitsView() {
      if (scenario === 'loading') return never;
      if (scenario === 'error') return no('internal', 'The engine did not answer in time. Try again.');
      return soon(ok(limits.view()), 20);
    },
    setServiceLimit: async (_, limit) => soon(ok(limits.setLimit(limit)), 40),
    isolateService: async () => soon(ok(limits.turn('isolated')), 40),
    closeService: async () => soon(ok(limits.turn('closed')), 40),
    async testService() {
      const problem = offline ? { code: 'unreachable', message: unreachable } : null;
      return soon(ok({ ok: !problem, took_ms: 142, problem }), 300);
    },
    jobsView: () => job(() => jobs.view(), 20),
    jobsPage: (filter, before, limit) => job(() => jobs.page(filter, before, limit), 20),
    jobDetail: (id) => job(() => jobs.detail(id), 20),
    addJob: (request) => job(() => jobs.add(request)),
    retryJob: (id) => job(() => jobs.retry(id)),
    cancelJob: (id) => job(() => jobs.cancel(id)),
    discardJob: (id) => job(() => jobs.discard(id)),
    retryFailedJobs: (queue) => job(() => jobs.retryFailed(queue)),
    pauseQueue: (name) => job(() => jobs.turn(name, 'paused')),
    resumeQueue: (name) => job(() => jobs.turn(name, 'working')),
    drainQueue: (name) => job(() => jobs.turn(name, 'draining')),
    setQueueConcurrency: (name, concurrency) => job(() => jobs.setPlaces(name, concurrency)),
    settings: async () => (scenario === 'loading' ? never : soon(ok({ ...settings }), 30)),
    async changeSetting(change) {
      if (change.kind === 'refresh_interval_s' && (change.value < 5 || change.value > 3600)) {
        return no('invalid_setting', 'The refresh interval must be a whole number from 5 to 3600 seconds.');
      }
      if (change.kind === 'api_key') settings.has_api_key = change.value !== null;
      else if (change.kind === 'profile') settings.profile = profile = change.value;
      else if (change.kind === 'currency') settings.currency = change.value;
      else if (change.kind === 'theme') settings.theme = change.value;
      else if (change.kind === 'desktop_notifications') settings.desktop_notifications = change.value;
      else if (change.kind === 'webhook_url')
        settings.webhook_host = change.value ? new URL(change.value).hostname : null;
      else settings.refresh_interval_s = change.value;
      send(true);
      return soon(ok({ ...settings }), 80);
    },
    exportHistory: async (id, range, format) => soon(ok(`/home/you/Downloads/${id}-${range}.${format}`), 200),
    openUrl: async () => ok(null),
  };
}
