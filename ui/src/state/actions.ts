/** What a person can do from several places: each says what it did, and offers the way back. */
import { calls, type Invalidation, type NoticeAction, type Profile } from '../ipc';
import { count } from '../format';
import { text } from '../text/en';
import { engine } from './engine.svelte';
import { jobsScreen } from './jobs.svelte';
import { toasts } from './toasts.svelte';
import { view } from './view.svelte';

export async function refresh(): Promise<void> {
  const answer = await calls.refresh();
  if (answer.ok) toasts.say(text.done.refreshing);
  else toasts.problem(answer.problem);
}

export async function watch(id: string, symbol: string, position: number | null = null): Promise<boolean> {
  const answer = await calls.watch(id, position);
  if (!answer.ok) toasts.problem(answer.problem);
  else toasts.say(text.done.watched(symbol));
  return answer.ok;
}

export async function unwatch(id: string, symbol: string): Promise<boolean> {
  const place = engine.live.watch?.indexOf(id) ?? -1;
  const answer = await calls.unwatch(id);
  if (!answer.ok) {
    toasts.problem(answer.problem);
    return false;
  }
  toasts.say(text.done.unwatched(symbol), {
    label: text.action.undo,
    run: () =>
      void calls.watch(id, place < 0 ? null : place).then((back) => {
        if (!back.ok) toasts.problem(back.problem);
      }),
  });
  return true;
}

export async function switchProfile(profile: Profile): Promise<boolean> {
  const answer = await calls.changeSetting({ kind: 'profile', value: profile });
  if (!answer.ok) toasts.problem(answer.problem);
  else toasts.say(text.done.profile[profile]);
  return answer.ok;
}

export async function invalidate(what: Invalidation): Promise<boolean> {
  const answer = await calls.invalidateCache(what);
  if (!answer.ok) toasts.problem(answer.problem);
  else if (what.tag !== undefined) toasts.say(text.done.invalidatedTag(what.tag));
  else toasts.say(text.done.invalidatedKey(what.region, what.key));
  return answer.ok;
}

export async function clearRegion(region: string): Promise<boolean> {
  const answer = await calls.clearCacheRegion(region);
  if (!answer.ok) toasts.problem(answer.problem);
  else toasts.say(text.done.cleared(region));
  return answer.ok;
}

export async function setServiceLimit(name: string, limit: number): Promise<boolean> {
  const answer = await calls.setServiceLimit(name, limit);
  if (!answer.ok) toasts.problem(answer.problem);
  else toasts.say(text.done.limitSet(name, count(answer.data.limit)));
  return answer.ok;
}

export async function isolateService(name: string): Promise<boolean> {
  const answer = await calls.isolateService(name);
  if (!answer.ok) toasts.problem(answer.problem);
  else toasts.say(text.done.isolated(name), { label: text.action.undo, run: () => void closeService(name) });
  return answer.ok;
}

export async function closeService(name: string): Promise<boolean> {
  const answer = await calls.closeService(name);
  if (!answer.ok) toasts.problem(answer.problem);
  else toasts.say(text.done.closed(name));
  return answer.ok;
}

export function act(action: NoticeAction): void {
  if (action === 'retry') void refresh();
  else if (action === 'go_live') void switchProfile('live');
  else if (action === 'open_demo') void switchProfile('demo');
  else if (action === 'open_jobs') {
    jobsScreen.show('failed');
    view.open('jobs');
  } else view.open('settings');
}

export async function openAttribution(): Promise<void> {
  const answer = await calls.openUrl('attribution');
  if (!answer.ok) toasts.problem(answer.problem);
}
