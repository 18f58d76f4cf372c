/** What a person can do to jobs and queues: each says what it did, and offers the way back where there is one. */
import { calls, type Answer, type JobDetail, type JobItem, type NewJobRequest } from '../ipc';
import { count } from '../format';
import { text } from '../text/en';
import { jobsScreen } from './jobs.svelte';
import { optionsFor } from './jobs';
import { toasts } from './toasts.svelte';

/** Says what came of a call; whether it was done. */
function tell<T>(answer: Answer<T>, done: (data: T) => string, undo?: () => void): boolean {
  if (!answer.ok) toasts.problem(answer.problem);
  else toasts.say(done(answer.data), undo && { label: text.action.undo, run: undo });
  return answer.ok;
}

export async function retryJob({ id, kind, state }: JobItem): Promise<boolean> {
  const early = optionsFor(state).retry === 'now';
  return tell(await calls.retryJob(id), () =>
    early ? text.jobs.done.now(kind) : text.jobs.done.again(kind),
  );
}

export async function cancelJob({ id, kind }: JobItem): Promise<boolean> {
  return tell(await calls.cancelJob(id), ({ job }) =>
    job.state === 'running' ? text.jobs.done.cancelling(kind) : text.jobs.done.cancelled(kind),
  );
}

export async function discardJob({ id, kind }: JobItem): Promise<boolean> {
  return tell(await calls.discardJob(id), () => text.jobs.done.discarded(kind, count(id)));
}

export async function replayFailed(queue: string | null): Promise<boolean> {
  return tell(await calls.retryFailedJobs(queue), (jobs) => text.jobs.done.replayed(count(jobs), jobs === 1));
}

/** Adds a job and selects it; a refusal is the form's to show. */
export async function addJob(request: NewJobRequest): Promise<Answer<unknown>> {
  const answer = await calls.addJob(request);
  if (answer.ok) {
    const { id, existing } = answer.data;
    toasts.say(existing ? text.jobs.done.existing(count(id)) : text.jobs.done.added(request.kind, count(id)));
    jobsScreen.selected = { job: id };
  }
  return answer;
}

export async function copyJob({ job, payload }: JobDetail): Promise<void> {
  try {
    await navigator.clipboard.writeText(`${text.jobs.copyHead(String(job.id), job.kind)}\n${payload}\n`);
    toasts.say(text.jobs.done.copied(count(job.id)));
  } catch {
    toasts.problem({ code: 'clipboard', message: text.jobs.notCopied });
  }
}

export async function pauseQueue(name: string): Promise<boolean> {
  return tell(
    await calls.pauseQueue(name),
    () => text.jobs.done.paused(name),
    () => void resumeQueue(name),
  );
}

export async function resumeQueue(name: string): Promise<boolean> {
  return tell(await calls.resumeQueue(name), () => text.jobs.done.resumed(name));
}

export async function drainQueue(name: string): Promise<boolean> {
  return tell(
    await calls.drainQueue(name),
    () => text.jobs.done.draining(name),
    () => void resumeQueue(name),
  );
}

export async function setConcurrency(name: string, concurrency: number): Promise<boolean> {
  return tell(await calls.setQueueConcurrency(name, concurrency), (queue) =>
    text.jobs.done.concurrency(name, count(queue.concurrency)),
  );
}
