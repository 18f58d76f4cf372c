import { beforeEach, expect, test, vi } from 'vitest';
import type { Answer, CacheView, Warming } from '../src/ipc';
import { CacheFeed, warming } from '../src/state/cache.svelte';

const asked = vi.hoisted(() => ({
  view: [] as ((answer: Answer<CacheView>) => void)[],
  warm: [] as ((answer: Answer<Warming>) => void)[],
}));

vi.mock('../src/ipc', () => ({
  calls: {
    cacheView: () => new Promise((done) => asked.view.push(done)),
    warmCache: () => new Promise((done) => asked.warm.push(done)),
  },
}));

const view = (now_ms: number): CacheView => ({
  now_ms,
  ttl_factor: 1,
  ttl_reason: 'Calm.',
  levels: [],
  regions: [],
  classes: [],
});
const problem = { code: 'cache', message: 'The cache is closed.' };

/** Answers the last question, and waits until it is taken in. */
async function answer(feed: CacheFeed, what: Answer<CacheView>): Promise<void> {
  asked.view.at(-1)!(what);
  await vi.waitUntil(() => !feed.loader.busy);
}

beforeEach(() => {
  asked.view.length = 0;
  asked.warm.length = 0;
});

test('each second asks once, and not again while an answer is awaited', async () => {
  const feed = new CacheFeed();
  feed.tick(1_000);
  feed.tick(2_000);
  expect(asked.view).toHaveLength(1);
  await answer(feed, { ok: true, data: view(1_000) });
  feed.tick(3_000);
  expect(asked.view).toHaveLength(2);
  expect(feed.loader.data?.now_ms).toBe(1_000);
});

test('an answer that does not come makes the picture stale, and is asked for again at length', async () => {
  const feed = new CacheFeed();
  feed.tick(0);
  await answer(feed, { ok: true, data: view(0) });
  feed.tick(1_000);
  expect(feed.stale(2_000)).toBe(false);
  expect(feed.stale(4_500)).toBe(true);
  feed.tick(11_000);
  expect(asked.view).toHaveLength(3);
  // Asking again does not make it fresh.
  expect(feed.stale(11_000)).toBe(true);
  await answer(feed, { ok: true, data: view(11_000) });
  expect(feed.stale(11_000)).toBe(false);
});

test('a long time out of sight is not silence', async () => {
  const feed = new CacheFeed();
  feed.tick(0);
  await answer(feed, { ok: true, data: view(0) });
  feed.tick(3_600_000);
  expect(feed.stale(3_600_000)).toBe(false);
});

test('a refusal keeps what was known, and marks it as stale', async () => {
  const feed = new CacheFeed();
  feed.tick(0);
  await answer(feed, { ok: true, data: view(0) });
  feed.tick(1_000);
  await answer(feed, { ok: false, problem });
  expect(feed.loader.data?.now_ms).toBe(0);
  expect(feed.stale(1_000)).toBe(true);
});

test('a clock that is set back does not end the questions', async () => {
  const feed = new CacheFeed();
  feed.tick(1_000_000);
  feed.tick(0);
  expect(asked.view).toHaveLength(2);
});

test('warming runs once at a time and keeps what it came to', async () => {
  const first = warming.start();
  await warming.start();
  expect(asked.warm).toHaveLength(1);
  expect(warming.busy).toBe(true);
  const came: Warming = { prices: 1, table_rows: 0, charts: 0, hot_keys: 0, problem: null };
  asked.warm[0]!({ ok: true, data: came });
  await first;
  expect(warming.busy).toBe(false);
  expect(warming.outcome).toEqual({ ok: true, data: came });
});
