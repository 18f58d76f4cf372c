/** The limits of outside services as the engine tells them. */
import { calls, type LimitsView } from '../ipc';
import { Feed } from './feed.svelte';

export class LimitsFeed extends Feed<LimitsView> {
  constructor() {
    super(() => calls.limitsView());
  }
}
