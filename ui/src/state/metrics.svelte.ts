/** The three live charts: one history for all of them, continued by the samples of the stream. */
import { calls, type MetricsHistory, type Range, type Sample } from '../ipc';
import { ChartWindow, type Columns, type Value } from '../charts/window';
import { Loader } from './loader.svelte';
import { drawSlot, spanAt } from './range';

const CACHE = ['cache_memory', 'cache_files', 'cache_database', 'cache_origin'] as const;
const QUEUE = ['queue_critical', 'queue_high', 'queue_normal', 'queue_low'] as const;
const LOAD = ['load', 'cpu', 'memory'] as const;
const ALL = [...CACHE, ...QUEUE, ...LOAD] as const;

type Picture = { cache: Columns; queue: Columns; load: Columns; points: number; step_ms: number };

const EMPTY: Picture = {
  cache: [[], [], [], [], []],
  queue: [[], [], [], [], []],
  load: [[], [], [], []],
  points: 0,
  step_ms: 1_000,
};

export class MetricsFeed {
  /** What is drawn; replaced at most once per drawing slot. */
  picture = $state.raw<Picture>(EMPTY);
  loader = new Loader<MetricsHistory>();
  #window = new ChartWindow(ALL.length);
  #range: Range | null = null;
  #slot = -1;

  async load(range: Range): Promise<void> {
    this.#range = range;
    const history = await this.loader.load(() => calls.metricsHistory(range));
    if (!history || this.#range !== range) return;
    this.#window.load(
      history.at_ms,
      ALL.map((name) => history[name]),
      history.step_ms,
    );
    this.#publish();
  }

  /** Takes a sample; draws when a new slot begins. */
  take(sample: Sample, range: Range): void {
    if (this.#range !== range) return;
    this.#window.append(sample.at_ms, valuesOf(sample));
    const slot = drawSlot(range, sample.at_ms);
    if (slot === this.#slot) return;
    this.#slot = slot;
    this.#window.trim(spanAt(range, sample.at_ms).min);
    this.#publish();
  }

  #publish(): void {
    const [at, ...values] = this.#window.columns();
    const pick = (from: number, width: number): Columns => [at, ...values.slice(from, from + width)];
    this.picture = {
      cache: pick(0, CACHE.length),
      queue: pick(CACHE.length, QUEUE.length),
      load: pick(CACHE.length + QUEUE.length, LOAD.length),
      points: this.#window.points,
      step_ms: this.#window.step,
    };
  }
}

function valuesOf({ cache, queue, load, cpu, memory }: Sample): Value[] {
  return [
    cache.memory,
    cache.files,
    cache.database,
    cache.origin,
    queue.critical,
    queue.high,
    queue.normal,
    queue.low,
    load,
    cpu,
    memory,
  ];
}
