/** The Jobs screen: its queues, its list, and what is chosen there, which outlasts a look at another screen. */
import { calls, type Answer, type JobDetail, type JobsView } from '../ipc';
import { Feed } from './feed.svelte';
import { merge, PAGE, pageFor, wantsMore, type JobRows, type Part } from './joblist';
import { EVERYTHING, filterOf, type Choice, type Shelf } from './jobs';

export class JobsFeed extends Feed<JobsView> {
  constructor() {
    super(() => calls.jobsView());
  }
}

export class JobFeed extends Feed<JobDetail> {
  constructor(id: number) {
    super(() => calls.jobDetail(id));
  }
}

/** The chosen jobs; each second the page that is seen is asked for anew. */
export class JobList {
  feed = new Feed<JobRows>(() => this.#page());
  #choice = EVERYTHING;
  #seen: Part = { from: 0, to: 0 };

  get rows(): JobRows | null {
    return this.feed.loader.data;
  }

  /** Another choice lists other jobs: what was known goes at once. */
  choose(choice: Choice, now_ms: number): void {
    this.#choice = choice;
    this.#seen = { from: 0, to: 0 };
    this.feed.loader.reset();
    this.feed.tick(now_ms);
  }

  /** Tells which rows are drawn. */
  look(seen: Part): void {
    this.#seen = seen;
    this.more();
  }

  /** Loads more where the list ends soon; to be called after each answer, which may have brought little. */
  more(): void {
    if (this.rows && wantsMore(this.rows, this.#seen) && !this.feed.loader.busy) void this.feed.ask();
  }

  async #page(): Promise<Answer<JobRows>> {
    const before = pageFor(this.rows, this.#seen);
    const answer = await calls.jobsPage(filterOf(this.#choice), before, PAGE);
    return answer.ok ? { ok: true, data: merge(this.rows, before, answer.data) } : answer;
  }
}

/** What the side panel is about. */
export type Selected = { job: number } | { queue: string };

class JobsScreen {
  choice = $state.raw<Choice>(EVERYTHING);
  selected = $state.raw<Selected | null>(null);
  /** Whether the dialog that adds a job is open. */
  adding = $state(false);
  /** Asks whether the failed jobs are to run again; the screen takes the request back. */
  replay = $state(false);

  show(shelf: Shelf): void {
    this.choice = { ...EVERYTHING, shelf };
  }

  choose(part: Partial<Choice>): void {
    this.choice = { ...this.choice, ...part };
  }
}

export const jobsScreen = new JobsScreen();
