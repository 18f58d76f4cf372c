/** Jobs for the fake engine: queues that fill and empty, jobs that run, fail, wait and say why. */
import type {
  JobAttempt,
  JobCounts,
  JobDetail,
  JobFilter,
  JobItem,
  JobKindView,
  JobPage,
  JobPriority,
  JobState,
  JobsView,
  NewJobRequest,
  QueueView,
  WaitReason,
} from '../src/ipc';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** Kind, queue, what it is about, how long it runs, the most attempts, an example. */
const KINDS: [string, JobPriority, string, number, number, object][] = [
  ['PRICE_REFRESH', 'high', '12 symbols', 4_200, 3, { symbols: ['DUCK', 'TON', 'ETH', 'BTC'] }],
  ['CACHE_WARM', 'low', '38 keys', 2_600, 3, { keys: 38 }],
  [
    'PROCESS_CONTENT',
    'low',
    'token duckchain-token',
    900,
    3,
    { token: 'duckchain-token', optimize: true, sizes_px: [32, 64, 128] },
  ],
  [
    'VERIFY_TOKEN_HOLDINGS',
    'normal',
    '0x71C7…976F · DUCK',
    1_900,
    5,
    { account: '0x71C7656EC7ab88b098defB751B7401B5f6d8976F', token: 'DUCK' },
  ],
  ['SEND_NOTIFICATION', 'critical', 'DUCK crossed 0.0021', 300, 5, { title: 'DUCK crossed 0.0021' }],
  ['PERFORMANCE_REVIEW', 'low', 'weekly', 8_000, 2, { span: 'week' }],
];

const NONE: JobCounts = {
  all: 0,
  waiting: 0,
  scheduled: 0,
  snoozed: 0,
  blocked: 0,
  running: 0,
  done: 0,
  failed: 0,
  cancelled: 0,
};

const QUEUES = ['critical', 'high', 'normal', 'low'] as const;
const PLACES = { critical: 4, high: 4, normal: 8, low: 2 };

export class JobRefusal {
  constructor(
    readonly code: string,
    readonly message: string,
  ) {}
}

export class FakeJobs {
  /** Oldest first, as the numbers grow. */
  #jobs: JobItem[] = [];
  #next = 1;
  #added_at = Date.now();
  #payloads = new Map<number, string>();
  #paused = new Set<string>();
  #draining = new Set<string>();
  #places: Record<string, number> = { ...PLACES };

  constructor(
    readonly scenario: string,
    past: number,
  ) {
    if (scenario === 'empty') return;
    const now = Date.now();
    for (let i = past; i > 0; i -= 1) this.#past(now - i * 47 * SECOND, i);
    const waits = (of: number, state: JobState, more: Partial<JobItem> = {}): JobItem =>
      this.#add(of, { state, ...more });
    waits(5, 'scheduled', { run_at_ms: now + 3 * DAY });
    waits(0, 'scheduled', { run_at_ms: now + 75 * SECOND, attempt: 1, error: 'No answer within 10 s.' });
    for (let i = 0; i < (scenario === 'offline' ? 6 : 1); i += 1)
      waits(0, 'snoozed', { run_at_ms: now + (41 + i) * SECOND, about: 'TON, ETH, BTC' });
    waits(3, 'blocked', { about: 'all accounts' });
    waits(4, 'waiting');
    waits(3, 'running', {
      attempt: 1,
      started_at_ms: now - 200,
      progress: 0.4,
      progress_note: '2 of 5 read',
    });
    waits(0, 'running', { attempt: 1, started_at_ms: now - 900 });
    if (scenario !== 'limited') for (let i = 0; i < 8; i += 1) waits(1, 'waiting');
    waits(2, 'failed', this.#failure(now - 2 * MINUTE));
    this.#paused.add('low');
  }

  #failure(at: number): Partial<JobItem> {
    const created_at_ms = at - 20 * SECOND;
    const error =
      "The logo is 4.7 MiB; the limit is 4 MiB. Running again won't help unless the image changes or the limit in Settings is raised.";
    return { created_at_ms, attempt: 3, started_at_ms: at - 400, ended_at_ms: at, took_ms: 400, error };
  }

  #past(at: number, i: number): void {
    const of = i % 11 === 0 ? 4 : i % 7 === 0 ? 3 : i % 3 === 0 ? 0 : 1;
    const took_ms = 90 + ((i * 137) % 900);
    const ended = {
      created_at_ms: at,
      run_at_ms: at,
      started_at_ms: at + 40,
      ended_at_ms: at + took_ms,
      took_ms,
    };
    if (i % 613 === 0) this.#add(2, { ...ended, ...this.#failure(at), state: 'failed' });
    else this.#add(of, { ...ended, state: i % 97 === 0 ? 'cancelled' : 'done', attempt: 1 });
  }

  #add(of: number, more: Partial<JobItem>): JobItem {
    const [kind, queue, about, , attempts] = KINDS[of]!;
    const now = Date.now();
    const job: JobItem = {
      id: this.#next,
      kind,
      about,
      queue,
      priority: queue,
      state: 'waiting',
      attempt: 0,
      attempts,
      created_at_ms: now,
      run_at_ms: now,
      started_at_ms: null,
      ended_at_ms: null,
      took_ms: null,
      progress: null,
      progress_note: null,
      error: null,
      key: kind === 'PROCESS_CONTENT' ? 'logo:duckchain-token' : null,
      ...more,
    };
    this.#next += 1;
    this.#jobs.push(job);
    return job;
  }

  #change(id: number, more: Partial<JobItem>): JobItem {
    const at = this.#jobs.findIndex((job) => job.id === id);
    return (this.#jobs[at] = { ...this.#jobs[at]!, ...more });
  }

  /** Lets happen what would have happened since the last look. */
  #pass(): void {
    const now = Date.now();
    if (this.scenario === 'empty') return;
    if (this.scenario !== 'offline' && now - this.#added_at > 3_000) {
      this.#added_at = now;
      this.#add(Math.floor(now / 3_000) % 2, {});
    }
    for (const job of this.#jobs.slice(-400)) {
      const length = KINDS.find(([kind]) => kind === job.kind)?.[3] ?? SECOND;
      if (job.state === 'running') {
        const took_ms = now - job.started_at_ms!;
        const done = took_ms > length;
        if (done) this.#change(job.id, { state: 'done', took_ms, ended_at_ms: now, progress: null });
        else this.#change(job.id, { took_ms, progress: job.progress === null ? null : took_ms / length });
      } else if (job.state === 'waiting' && this.#starts(job.queue)) {
        this.#change(job.id, { state: 'running', started_at_ms: now, attempt: job.attempt + 1, took_ms: 0 });
      } else if ((job.state === 'scheduled' || job.state === 'snoozed') && job.run_at_ms <= now) {
        if (this.scenario === 'offline') this.#change(job.id, { run_at_ms: now + 41 * SECOND });
        else this.#change(job.id, { state: 'waiting' });
      }
    }
  }

  #starts(queue: string): boolean {
    if (this.#paused.has(queue) || (this.scenario === 'limited' && queue === 'low')) return false;
    return this.#in(queue).running < this.#places[queue]!;
  }

  #in(queue: string | null): JobCounts {
    const counts = { ...NONE };
    for (const job of this.#jobs) {
      if (queue !== null && job.queue !== queue) continue;
      counts.all += 1;
      counts[job.state] += 1;
    }
    return counts;
  }

  view(): JobsView {
    this.#pass();
    return {
      now_ms: Date.now(),
      load_factor: this.scenario === 'limited' ? 0.86 : 0.34,
      deferring: this.scenario === 'limited',
      queues: QUEUES.map((name) => this.#queue(name)),
      counts: this.#in(null),
      kinds: KINDS.map(([kind, queue, , , attempts, example]): JobKindView => {
        return { kind, queue, priority: queue, attempts, example_payload: JSON.stringify(example, null, 2) };
      }),
    };
  }

  #queue(name: (typeof QUEUES)[number]): QueueView {
    const place = QUEUES.indexOf(name);
    const counts = this.#in(name);
    const fresh = this.scenario === 'empty';
    const wait = [3, 41_000, 1_200, 9_000][place]!;
    const run = [180, 4_300, 1_950, 2_700][place]!;
    const now = Math.floor(Date.now() / 10_000);
    const past = (i: number): number =>
      Math.max(
        0,
        Math.round([0.6, 8, 22, 6][place]! * (1 + Math.sin((now - 60 + i) / (3 + place * 4))) * 0.6),
      );
    const low = name === 'low';
    return {
      name,
      paused: this.#paused.has(name),
      draining: this.#draining.has(name),
      concurrency: this.#places[name]!,
      concurrency_max: 32,
      counts,
      waiting_by_priority: { critical: 0, high: 0, normal: 0, low: 0, [name]: counts.waiting },
      bound: 10_000,
      deferred: low && this.scenario === 'limited',
      rate: name === 'critical' ? '30 in 1 min' : null,
      wait_p50_ms: fresh ? null : wait * 0.4,
      wait_p95_ms: fresh ? null : wait,
      wait_p99_ms: fresh ? null : wait * 1.7,
      run_p50_ms: fresh ? null : run * 0.6,
      run_p95_ms: fresh ? null : run,
      run_p99_ms: fresh ? null : run * 1.4,
      ended_per_minute: fresh ? 0 : [1, 20, 9, 14][place]!,
      completion_rate: fresh ? null : [1, 0.994, 1, 0.962][place]!,
      stuck: low && this.scenario === 'offline' ? 1 : 0,
      depth: fresh ? [] : [...Array.from({ length: 59 }, (_, i) => past(i)), counts.waiting],
    };
  }

  page(filter: JobFilter, before: number | null, limit: number): JobPage {
    this.#pass();
    const fits = (job: JobItem): boolean =>
      (before === null || job.id < before) &&
      (filter.states.length === 0 || filter.states.includes(job.state)) &&
      (filter.queues.length === 0 || filter.queues.includes(job.queue)) &&
      (filter.kinds.length === 0 || filter.kinds.includes(job.kind));
    const all = this.#jobs.filter(fits);
    const items = all.slice(-limit).reverse();
    return { items, next: all.length > limit ? items.at(-1)!.id : null };
  }

  #find(id: number): JobItem {
    const job = this.#jobs.find((one) => one.id === id);
    if (!job)
      throw new JobRefusal('not_found', `There is no job ${id}; ended ones are kept for a limited time.`);
    return job;
  }

  detail(id: number): JobDetail {
    this.#pass();
    const job = this.#find(id);
    const example = KINDS.find(([kind]) => kind === job.kind)?.[5];
    return {
      job,
      payload: this.#payloads.get(id) ?? JSON.stringify(example ?? null, null, 2),
      result: job.state === 'done' ? JSON.stringify({ updated: 12, skipped: 0 }, null, 2) : null,
      timeline: this.#timeline(job),
      why: this.#why(job),
      batch: job.kind === 'VERIFY_TOKEN_HOLDINGS' ? 'holdings-2026-11-24' : null,
      parent: job.kind === 'VERIFY_TOKEN_HOLDINGS' ? id - 1 : null,
      children_open: job.state === 'blocked' ? 2 : 0,
    };
  }

  #timeline(job: JobItem): JobAttempt[] {
    if (job.started_at_ms === null) return [];
    const { started_at_ms, ended_at_ms, took_ms, attempt } = job;
    const outcome = job.state === 'waiting' ? 'retry' : job.state;
    const last: JobAttempt = { attempt, started_at_ms, ended_at_ms, outcome, took_ms, error: job.error };
    const earlier = [
      ['timed_out', 'No answer within 10 s; tried again in 4 s.', 4, 10_000],
      ['retry', 'The image host answered 503; tried again in 2 s.', 18, 220],
    ] as const;
    if (job.kind !== 'PROCESS_CONTENT' || job.state !== 'failed') return [last];
    return [
      last,
      ...earlier.map(([outcome, error, ago, took_ms], i): JobAttempt => {
        const at = started_at_ms - ago * SECOND;
        return { attempt: 2 - i, started_at_ms: at, ended_at_ms: at + took_ms, outcome, error, took_ms };
      }),
    ];
  }

  #why(job: JobItem): WaitReason | null {
    const until_ms = job.run_at_ms;
    switch (job.state) {
      case 'snoozed':
        return {
          code: 'rate_limited',
          message: 'The limit of CoinGecko is used up: 50 of 50 calls in this minute.',
          until_ms,
        };
      case 'scheduled':
        return job.error
          ? { code: 'backoff', message: 'Attempt 1 failed; it waits before the next one.', until_ms }
          : { code: 'scheduled', message: 'Its time has not come yet.', until_ms };
      case 'blocked':
        return { code: 'blocked', message: 'It waits for 2 other jobs.', until_ms: null };
      case 'waiting':
        return this.#paused.has(job.queue)
          ? { code: 'paused', message: `The queue ${job.queue} is paused.`, until_ms: null }
          : { code: 'next', message: 'It is among the next to start.', until_ms: null };
      default:
        return null;
    }
  }

  add(request: NewJobRequest): { id: number; existing: boolean } {
    const of = KINDS.findIndex(([kind]) => kind === request.kind);
    if (typeof request.payload !== 'object' || request.payload === null)
      throw new JobRefusal(
        'bad_payload',
        `The payload is not what ${request.kind} takes: an object is expected.`,
      );
    const queue = request.queue ?? KINDS[of]![1];
    if (this.#draining.has(queue))
      throw new JobRefusal(
        'draining',
        `The queue ${queue} is being drained and takes no jobs: resume it first.`,
      );
    const open = this.#jobs.find((job) => request.key && job.key === request.key && !job.ended_at_ms);
    if (open) return { id: open.id, existing: true };
    const job = this.#add(of, {
      queue,
      priority: request.priority ?? KINDS[of]![1],
      key: request.key ?? null,
      attempts: request.attempts ?? KINDS[of]![4],
      ...(request.delay_ms ? { state: 'scheduled', run_at_ms: Date.now() + request.delay_ms } : {}),
    });
    this.#payloads.set(job.id, JSON.stringify(request.payload, null, 2));
    return { id: job.id, existing: false };
  }

  retry(id: number): JobDetail {
    const { attempt, attempts } = this.#find(id);
    const more = { run_at_ms: Date.now(), ended_at_ms: null, attempts: Math.max(attempts, attempt * 2) };
    this.#change(id, { state: 'waiting', ...more });
    return this.detail(id);
  }

  cancel(id: number): JobDetail {
    this.#find(id);
    this.#change(id, { state: 'cancelled', ended_at_ms: Date.now() });
    return this.detail(id);
  }

  discard(id: number): null {
    this.#find(id);
    this.#jobs = this.#jobs.filter((job) => job.id !== id);
    return null;
  }

  retryFailed(queue: string | null): number {
    const failed = this.#jobs.filter((job) => job.state === 'failed' && (!queue || job.queue === queue));
    for (const { id } of failed) this.retry(id);
    return failed.length;
  }

  failed(): number {
    return this.#in(null).failed;
  }

  turn(name: string, to: 'paused' | 'draining' | 'working'): QueueView {
    this.#paused.delete(name);
    this.#draining.delete(name);
    if (to === 'paused') this.#paused.add(name);
    if (to === 'draining') this.#draining.add(name);
    return this.#queue(name as (typeof QUEUES)[number]);
  }

  setPlaces(name: string, places: number): QueueView {
    this.#places[name] = places;
    return this.#queue(name as (typeof QUEUES)[number]);
  }
}
