// BullMQ's part in the benchmark: `node bullmq.mjs PORT [pipelined]` says what it is, then answers each line of JSON on
// its standard input with one on its standard output, until the input ends. One process adds, another one works.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Queue, Worker } from 'bullmq';
import Redis from 'ioredis';

const port = Number(process.argv[2]);
// `null` is what the documentation asks for.
const connect = (options) => new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: null, ...options });
// Pipelined, what callers send in one turn of the event loop goes out as one.
const enableAutoPipelining = process.argv[3] === 'pipelined';
const queue = new Queue('bench', { connection: connect({ enableAutoPipelining }) });
/** Microseconds of the wall clock, which both processes share. */
const now = () => Math.round((performance.timeOrigin + performance.now()) * 1000);
const seconds = (since) => (performance.now() - since) / 1000;
const payload = (number) => ({
  user: `user/${String(number).padStart(8, '0')}`,
  token: '0x95af4af910c28e8ece4512bfe46f1f33687424ce',
  sent_us: now(),
});

let worker;
/** From before each job was added until its handler began, since they were asked for last. */
let waits_us = [];
/** Called with each job that starts. */
let started = () => {};
/** Called with each job whose end Redis has acknowledged. */
let completed = () => {};

const works = {
  /** Callers that wait for the answer before they add the next. */
  async add({ jobs, callers }) {
    const since = performance.now();
    const caller = async (first) => {
      for (let number = first; number < jobs; number += callers) await queue.add('bench', payload(number));
    };
    await Promise.all(Array.from({ length: callers }, (_, first) => caller(first)));
    return { seconds: seconds(since) };
  },

  async add_many({ jobs, batch }) {
    const since = performance.now();
    for (let number = 0; number < jobs; number += batch) {
      const many = Array.from({ length: Math.min(batch, jobs - number) }, (_, at) => payload(number + at));
      await queue.addBulk(many.map((data) => ({ name: 'bench', data })));
    }
    return { seconds: seconds(since) };
  },

  /** Starts a worker, and runs what waits: from its start until the last end is acknowledged. */
  async burn({ jobs, concurrency }) {
    const since = performance.now();
    let left = jobs;
    const all = new Promise((resolve) => (completed = () => --left || resolve()));
    work(concurrency);
    await all;
    const took = seconds(since);
    await worker.close();
    waits_us = [];
    return { seconds: took };
  },

  /** Adds at an even pace, not waiting for answers. */
  async add_paced({ jobs, per_second }) {
    const since = performance.now();
    const adding = [];
    while (adding.length < jobs) {
      const due = Math.min(jobs, Math.floor(seconds(since) * per_second) + 1);
      while (adding.length < due) adding.push(queue.add('bench', payload(adding.length)));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(adding);
    return {};
  },

  /** Starts a worker, and waits until it can take jobs. */
  async work({ concurrency }) {
    work(concurrency);
    await worker.waitUntilReady();
    return {};
  },

  /** Waits until so many jobs started, and tells how long each waited. */
  async wait_times({ jobs }) {
    await new Promise((resolve) => {
      started = () => waits_us.length >= jobs && resolve();
      started();
    });
    const answer = { waits_us };
    waits_us = [];
    return answer;
  },
};

function work(concurrency) {
  const handler = async (job) => {
    waits_us.push(now() - job.data.sent_us);
    started();
  };
  // Of its settings the one that costs it least.
  worker = new Worker('bench', handler, {
    connection: connect(),
    concurrency,
    removeOnComplete: { count: 0 },
  });
  worker.on('completed', () => completed());
}

await queue.waitUntilReady();
const own = JSON.parse(readFileSync(new URL('package.json', import.meta.url))).dependencies;
console.log(
  JSON.stringify({
    version: `BullMQ ${own.bullmq}, ioredis ${own.ioredis}, Node.js ${process.versions.node}`,
  }),
);
for await (const line of createInterface({ input: process.stdin })) {
  const { work, ...rest } = JSON.parse(line);
  console.log(JSON.stringify(await works[work](rest)));
}
process.exit(0);
