/** What a job's state means for the window: where it is listed, what may be done with it, which moment counts. Pure. */
import type { JobCounts, JobFilter, JobItem, JobState, JobsView, Notice, QueueView } from '../ipc';

export const SHELVES = ['all', 'waiting', 'running', 'failed', 'scheduled', 'done', 'cancelled'] as const;
/** A part of the list that a person chooses with one click. */
export type Shelf = (typeof SHELVES)[number];

/** Which states stand on a shelf; none means every one. Blocked jobs wait too, and snoozed ones have a time. */
const STATES: Readonly<Record<Shelf, readonly JobState[]>> = {
  all: [],
  waiting: ['waiting', 'blocked'],
  running: ['running'],
  failed: ['failed'],
  scheduled: ['scheduled', 'snoozed'],
  done: ['done'],
  cancelled: ['cancelled'],
};

/** What the list shows; `null` restricts nothing. */
export interface Choice {
  shelf: Shelf;
  queue: string | null;
  kind: string | null;
}

export const EVERYTHING: Choice = { shelf: 'all', queue: null, kind: null };

export function filterOf({ shelf, queue, kind }: Choice): JobFilter {
  return {
    states: [...STATES[shelf]],
    queues: queue === null ? [] : [queue],
    kinds: kind === null ? [] : [kind],
    created_from_ms: null,
    created_to_ms: null,
  };
}

export function countOn(shelf: Shelf, counts: JobCounts): number {
  return shelf === 'all' ? counts.all : STATES[shelf].reduce((sum, state) => sum + counts[state], 0);
}

export function openIn({ all, done, failed, cancelled }: JobCounts): number {
  return all - done - failed - cancelled;
}

/** The numbers by state of what the choice lists; `null` where a kind is chosen, which nobody counts. */
export function countsOf(jobs: JobsView, { queue, kind }: Choice): JobCounts | null {
  if (kind !== null) return null;
  if (queue === null) return jobs.counts;
  return jobs.queues.find(({ name }) => name === queue)?.counts ?? null;
}

/** How many jobs failed, for which the engine asks attention; `null` where it does not. */
export function failedIn(notices: readonly Pick<Notice, 'key' | 'title'>[]): number | null {
  const title = notices.find(({ key }) => key === 'jobs_failed')?.title;
  const digits = title?.replace(/(?<=\d)[\s.,](?=\d{3})/g, '').match(/\d+/)?.[0];
  return digits === undefined ? null : Number(digits);
}

export function hasEnded(state: JobState): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled';
}

export interface Options {
  /** Runs it once more, or before its time. */
  retry: 'again' | 'now' | null;
  cancel: boolean;
  discard: boolean;
}

/** What may be done with a job in this state. */
export function optionsFor(state: JobState): Options {
  const ended = hasEnded(state);
  const early = state === 'scheduled' || state === 'snoozed';
  return { retry: ended ? 'again' : early ? 'now' : null, cancel: !ended, discard: ended };
}

/** A due job that starts within this time is as good as on time. */
const PROMPT_MS = 5_000;

/** The one moment that matters about a job now, and how to say it. */
export interface Moment {
  how: 'due' | 'overdue' | 'in' | 'now' | 'ago' | 'after_others';
  at_ms: number | null;
}

type Times = Pick<JobItem, 'state' | 'run_at_ms' | 'started_at_ms' | 'ended_at_ms'>;

export function moment(job: Times, now_ms: number): Moment {
  if (job.state === 'running') return { how: 'now', at_ms: job.started_at_ms };
  if (job.state === 'blocked') return { how: 'after_others', at_ms: null };
  if (hasEnded(job.state)) return { how: 'ago', at_ms: job.ended_at_ms };
  const late = now_ms - job.run_at_ms;
  const how = late < 0 ? 'in' : late < PROMPT_MS ? 'due' : 'overdue';
  return { how, at_ms: job.run_at_ms };
}

/** The state whose sign stands for the outcome of an attempt. */
export function signOf(outcome: string): JobState {
  switch (outcome) {
    case 'done':
    case 'running':
    case 'snoozed':
    case 'cancelled':
      return outcome;
    case 'interrupted':
      return 'waiting';
    default:
      return 'failed';
  }
}

/** The colour of a queue: its priority's, where it is named after one. */
export function queueColor(name: string): string {
  return ['critical', 'high', 'normal', 'low'].includes(name) ? name : 'info';
}

/** What may stand in place of a queue's waiting time, the stronger first. */
export function hindrance(queue: Pick<QueueView, 'paused' | 'draining' | 'deferred'>): Hindrance | null {
  if (queue.paused) return 'paused';
  if (queue.draining) return 'draining';
  return queue.deferred ? 'deferred' : null;
}
export type Hindrance = 'paused' | 'draining' | 'deferred';
