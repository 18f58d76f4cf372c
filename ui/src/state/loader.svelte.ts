/** One thing asked of the engine: what came, what went wrong, and whether an answer is awaited. */
import type { Answer, Problem } from '../ipc';

export class Loader<T> {
  /** The newest answer; kept while a newer one is awaited, and when that one fails. */
  data = $state.raw<T | null>(null);
  problem = $state.raw<Problem | null>(null);
  busy = $state(false);
  #turn = 0;

  /** Asks; an answer that a later question has overtaken is dropped and gives `null`. */
  async load(ask: () => Promise<Answer<T>>): Promise<T | null> {
    this.#turn += 1;
    const turn = this.#turn;
    this.busy = true;
    const answer = await ask();
    if (turn !== this.#turn) return null;
    this.busy = false;
    this.problem = answer.ok ? null : answer.problem;
    if (!answer.ok) return null;
    this.data = answer.data;
    return answer.data;
  }

  /** Forgets everything, for example when it is about another token now. */
  reset(): void {
    this.#turn += 1;
    this.data = null;
    this.problem = null;
    this.busy = false;
  }
}
