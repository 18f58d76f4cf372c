/** The cache as the engine tells it, and its warming. */
import { calls, type Answer, type CacheView, type Warming } from '../ipc';
import { Feed } from './feed.svelte';

export class CacheFeed extends Feed<CacheView> {
  constructor() {
    super(() => calls.cacheView());
  }
}

/** Warming may outlast a look at another screen, so it lives here and not in the screen. */
class WarmingUp {
  busy = $state(false);
  outcome = $state.raw<Answer<Warming> | null>(null);

  async start(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.outcome = await calls.warmCache();
    this.busy = false;
  }
}

export const warming = new WarmingUp();
