import { expect, test } from 'vitest';
import type { JobCounts, JobItem, JobsView, JobState } from '../src/ipc';
import {
  countOn,
  countsOf,
  EVERYTHING,
  failedIn,
  filterOf,
  hindrance,
  moment,
  openIn,
  optionsFor,
  queueColor,
  SHELVES,
  signOf,
} from '../src/state/jobs';

const NOW = 1_700_000_000_000;
const STATES: readonly JobState[] = [
  'waiting',
  'scheduled',
  'snoozed',
  'blocked',
  'running',
  'done',
  'failed',
  'cancelled',
];
const counts: JobCounts = {
  all: 255,
  waiting: 1,
  scheduled: 2,
  snoozed: 4,
  blocked: 8,
  running: 16,
  done: 32,
  failed: 64,
  cancelled: 128,
};

test('every state stands on one shelf, and all shelves together count every job once', () => {
  const shelves = SHELVES.filter((shelf) => shelf !== 'all');
  const states = shelves.flatMap((shelf) => filterOf({ ...EVERYTHING, shelf }).states);
  expect(states.toSorted()).toEqual(STATES.toSorted());
  expect(shelves.reduce((sum, shelf) => sum + countOn(shelf, counts), 0)).toBe(counts.all);
  expect(countOn('all', counts)).toBe(counts.all);
});

test('blocked jobs wait too, and snoozed ones are scheduled', () => {
  expect(countOn('waiting', counts)).toBe(1 + 8);
  expect(countOn('scheduled', counts)).toBe(2 + 4);
});

test('what is not chosen restricts nothing', () => {
  const none = { states: [], queues: [], kinds: [], created_from_ms: null, created_to_ms: null };
  expect(filterOf(EVERYTHING)).toEqual(none);
  expect(filterOf({ shelf: 'failed', queue: 'low', kind: 'CACHE_WARM' })).toEqual({
    ...none,
    states: ['failed'],
    queues: ['low'],
    kinds: ['CACHE_WARM'],
  });
});

test('the counts are those of the chosen queue, and nobody counts by kind', () => {
  const own = { ...counts, all: 7 };
  const jobs = { counts, queues: [{ name: 'low', counts: own }] } as unknown as JobsView;
  expect(countsOf(jobs, EVERYTHING)).toBe(counts);
  expect(countsOf(jobs, { ...EVERYTHING, queue: 'low' })).toBe(own);
  expect(countsOf(jobs, { ...EVERYTHING, queue: 'gone' })).toBeNull();
  expect(countsOf(jobs, { ...EVERYTHING, kind: 'CACHE_WARM' })).toBeNull();
});

test('open is what has not ended', () => {
  expect(openIn(counts)).toBe(1 + 2 + 4 + 8 + 16);
});

test.each([
  ['2 failed jobs', 2],
  ['One of 1,204 jobs failed', 1204],
  ['Jobs have failed', null],
])('the badge of %j is %j', (title, badge) => {
  expect(failedIn([{ key: 'jobs_failed', title }])).toBe(badge);
});

test('without the notice there is no badge', () => {
  expect(failedIn([{ key: 'limited', title: '50 of 50 calls are used' }])).toBeNull();
});

test('every state offers what the engine accepts in it', () => {
  expect(Object.fromEntries(STATES.map((state) => [state, optionsFor(state).retry]))).toEqual({
    waiting: null,
    scheduled: 'now',
    snoozed: 'now',
    blocked: null,
    running: null,
    done: 'again',
    failed: 'again',
    cancelled: 'again',
  });
  for (const state of STATES) {
    const { cancel, discard } = optionsFor(state);
    expect(cancel, state).toBe(!discard);
    expect(discard, state).toBe(['done', 'failed', 'cancelled'].includes(state));
  }
});

const times: Pick<JobItem, 'state' | 'run_at_ms' | 'started_at_ms' | 'ended_at_ms'> = {
  state: 'waiting',
  run_at_ms: NOW,
  started_at_ms: null,
  ended_at_ms: null,
};

test.each<[string, Partial<typeof times>, ReturnType<typeof moment>]>([
  ['a job that has just become due', {}, { how: 'due', at_ms: NOW }],
  ['one that is due for long', { run_at_ms: NOW - 60_000 }, { how: 'overdue', at_ms: NOW - 60_000 }],
  ['a scheduled one', { state: 'scheduled', run_at_ms: NOW + 9 }, { how: 'in', at_ms: NOW + 9 }],
  ['a snoozed one whose time has come', { state: 'snoozed' }, { how: 'due', at_ms: NOW }],
  ['a running one', { state: 'running', started_at_ms: NOW - 5 }, { how: 'now', at_ms: NOW - 5 }],
  ['a blocked one', { state: 'blocked' }, { how: 'after_others', at_ms: null }],
  ['one that failed', { state: 'failed', ended_at_ms: NOW - 7 }, { how: 'ago', at_ms: NOW - 7 }],
])('%s tells its moment', (_, change, expected) => {
  expect(moment({ ...times, ...change }, NOW)).toEqual(expected);
});

test('an outcome that nobody knows looks like a failure', () => {
  expect(['done', 'snoozed', 'interrupted', 'timed_out', 'unheard_of'].map(signOf)).toEqual([
    'done',
    'snoozed',
    'waiting',
    'failed',
    'failed',
  ]);
});

test('a pause is told before draining, and both before the load', () => {
  const all = { paused: true, draining: true, deferred: true };
  expect(hindrance(all)).toBe('paused');
  expect(hindrance({ ...all, paused: false })).toBe('draining');
  expect(hindrance({ ...all, paused: false, draining: false })).toBe('deferred');
  expect(hindrance({ paused: false, draining: false, deferred: false })).toBeNull();
});

test('a queue with a name of its own has a colour too', () => {
  expect(['critical', 'low', 'reports'].map(queueColor)).toEqual(['critical', 'low', 'info']);
});
