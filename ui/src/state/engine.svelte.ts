/** The live state of the engine as the stream tells it. */
import { calls, type Frame, type Problem } from '../ipc';
import { clock } from './clock.svelte';
import { NOTHING_YET, reduce, type Live } from './frames';

/** A visible window hears from the engine every second; after this long without a word it says so. */
const SILENCE_MS = 6_000;

class Engine {
  live = $state.raw<Live>(NOTHING_YET);
  /** Why the stream could not be opened. */
  problem = $state.raw<Problem | null>(null);
  /** Counts the times the whole state came anew: the stream was interrupted, and charts have a hole to fill. */
  returns = $state(0);
  #heard_at = $state(0);

  get silent(): boolean {
    return this.live.watch !== null && clock.now - this.#heard_at > SILENCE_MS;
  }

  get heardAt(): number {
    return this.#heard_at;
  }

  async open(): Promise<void> {
    this.problem = null;
    const answer = await calls.openStream((frame) => this.#take(frame));
    if (!answer.ok) this.problem = answer.problem;
  }

  /** Tells the engine whether anyone is looking, and stops or starts the clock with it. */
  show(visible: boolean): void {
    clock.run(visible);
    // Coming back is a new beginning: silence counts from now.
    if (visible) this.#heard_at = clock.now;
    void calls.setVisible(visible);
  }

  #take(frame: Frame): void {
    if (frame.whole && this.live.watch !== null) this.returns += 1;
    this.live = reduce(this.live, frame);
    this.#heard_at = frame.now_ms;
    clock.set(frame.now_ms);
  }
}

export const engine = new Engine();
