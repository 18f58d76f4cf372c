import { beforeEach, expect, test, vi } from 'vitest';
import type { Answer, JobFilter, JobItem, JobPage } from '../src/ipc';
import { EVERYTHING } from '../src/state/jobs';
import { JobList } from '../src/state/jobs.svelte';

interface Asked {
  filter: JobFilter;
  before: number | null;
  answer: (answer: Answer<JobPage>) => void;
}
const asked = vi.hoisted((): Asked[] => []);

vi.mock('../src/ipc', () => ({
  calls: {
    jobsPage: (filter: JobFilter, before: number | null) =>
      new Promise((answer) => asked.push({ filter, before, answer })),
  },
}));

const page = (from: number, to: number, next: number | null): Answer<JobPage> => ({
  ok: true,
  data: { items: Array.from({ length: from - to + 1 }, (_, i) => ({ id: from - i }) as JobItem), next },
});

async function answer(list: JobList, what: Answer<JobPage>): Promise<void> {
  asked.at(-1)!.answer(what);
  await vi.waitUntil(() => !list.feed.loader.busy);
}

beforeEach(() => void (asked.length = 0));

test('more is loaded once while the list ends soon', async () => {
  const list = new JobList();
  list.choose(EVERYTHING, 0);
  await answer(list, page(400, 201, 201));
  list.look({ from: 120, to: 160 });
  list.look({ from: 121, to: 161 });
  expect(asked.map(({ before }) => before)).toEqual([null, 201]);
  await answer(list, page(200, 1, null));
  expect(list.rows?.items).toHaveLength(400);
  list.look({ from: 380, to: 400 });
  expect(asked).toHaveLength(2);
});

test('a page that found nothing is followed by the next', async () => {
  const list = new JobList();
  list.choose(EVERYTHING, 0);
  await answer(list, { ok: true, data: { items: [], next: 5_000 } });
  list.more();
  expect(asked.map(({ before }) => before)).toEqual([null, 5_000]);
  await answer(list, { ok: true, data: { items: [], next: null } });
  list.more();
  expect(asked).toHaveLength(2);
});

test('each second asks for the page that is seen', async () => {
  const list = new JobList();
  list.choose(EVERYTHING, 0);
  await answer(list, page(400, 201, 201));
  list.look({ from: 50, to: 90 });
  list.feed.tick(1_000);
  expect(asked.at(-1)!.before).toBe(351);
});

test('an answer about an earlier choice is dropped', async () => {
  const list = new JobList();
  list.choose(EVERYTHING, 0);
  const late = asked[0]!;
  list.choose({ ...EVERYTHING, shelf: 'failed' }, 0);
  await answer(list, page(7, 7, null));
  late.answer(page(400, 201, 201));
  await Promise.resolve();
  expect(asked[1]!.filter.states).toEqual(['failed']);
  expect(list.rows?.items.map(({ id }) => id)).toEqual([7]);
});
