/** One question to the engine, asked anew with every second that is seen. */
import type { Answer } from '../ipc';
import { Loader } from './loader.svelte';

/** An answer that takes longer makes what is shown stale. */
const LATE_MS = 3_000;
/** After this long without an answer the question is asked again. */
const PATIENCE_MS = 10_000;

export class Feed<T> {
  loader = new Loader<T>();
  #question: () => Promise<Answer<T>>;
  #asked_at = 0;
  /** Since when an answer is owed. */
  #owed_since = 0;

  constructor(question: () => Promise<Answer<T>>) {
    this.#question = question;
  }

  /** One second of the window's clock: asks, unless an answer is still awaited. */
  tick(now_ms: number): void {
    // A clock that was set back must not end the questions.
    const waited = Math.abs(now_ms - this.#asked_at);
    if (this.loader.busy && waited < PATIENCE_MS) return;
    if (!this.loader.busy) this.#owed_since = now_ms;
    this.#asked_at = now_ms;
    void this.ask();
  }

  async ask(): Promise<void> {
    await this.loader.load(this.#question);
  }

  /** Whether what is shown may no longer be so. */
  stale(now_ms: number): boolean {
    return this.loader.problem !== null || (this.loader.busy && now_ms - this.#owed_since > LATE_MS);
  }
}
