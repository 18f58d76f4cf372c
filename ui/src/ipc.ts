/**
 * The one file that knows how the window talks to the engine.
 *
 * Everything else asks `calls` and gets an `Answer`; nothing outside this file touches Tauri or the
 * generated bindings. Outside Tauri (only in `vite dev` and tests) a scripted fake takes the engine's place.
 */
import { Channel } from '@tauri-apps/api/core';
import { commands } from './bindings';
import type * as wire from './bindings';

export type Activity = wire.Activity;
export type BreakerState = wire.BreakerState;
export type ByPriority = wire.ByPriority;
export type CacheClassView = wire.CacheClassView;
export type CacheEntry = wire.CacheEntry;
export type CacheLevel = wire.CacheLevel;
export type CacheLevelView = wire.CacheLevelView;
export type CacheRegionView = wire.CacheRegionView;
export type CacheView = wire.CacheView;
export type ConfigIssue = wire.ConfigIssue;
export type ExportFormat = wire.ExportFormat;
export type Frame = wire.Frame;
export type History = wire.History;
export type Invalidation = wire.Invalidation;
export type JobAdded = wire.JobAdded;
export type JobAttempt = wire.JobAttempt;
export type JobCounts = wire.JobCounts;
export type JobDetail = wire.JobDetail;
export type JobFilter = wire.JobFilter;
export type JobItem = wire.JobItem;
export type JobKindView = wire.JobKindView;
export type JobPage = wire.JobPage;
export type JobPriority = wire.JobPriority;
export type JobState = wire.JobState;
export type JobsView = wire.JobsView;
export type LimitsView = wire.LimitsView;
export type MarketRow = wire.MarketRow;
export type MarketTable = wire.MarketTable;
export type MetricsHistory = wire.MetricsHistory;
export type NewJobRequest = wire.NewJobRequest;
export type Notice = wire.Notice;
export type NoticeAction = wire.NoticeAction;
export type Problem = wire.Problem;
export type Profile = wire.Profile;
export type Provenance = wire.Provenance;
export type QueueView = wire.QueueView;
export type Quote = wire.Quote;
export type Range = wire.Range;
export type Sample = wire.Sample;
export type ServiceLimits = wire.ServiceLimits;
export type ServiceState = wire.ServiceState;
export type ServiceTest = wire.ServiceTest;
export type Settings = wire.Settings;
export type SettingsChange = wire.SettingsChange;
export type Severity = wire.Severity;
export type Spark = wire.Spark;
export type Status = wire.Status;
export type Theme = wire.Theme;
export type Token = wire.Token;
export type TokenHit = wire.TokenHit;
export type WaitReason = wire.WaitReason;
export type Warming = wire.Warming;

/** What a command came to: its data, or the problem to show. */
export type Answer<T> = { ok: true; data: T } | { ok: false; problem: Problem };

/** The engine as the window sees it. */
export interface EngineCalls {
  /** Opens the one stream of this window; the first frame is whole. */
  openStream(onFrame: (frame: Frame) => void): Promise<Answer<unknown>>;
  setVisible(visible: boolean): Promise<Answer<unknown>>;
  /** Says that the first frame has its theme's colours, so that the window can be shown without a flash. */
  firstPaint(): Promise<Answer<unknown>>;
  /** Says that the first chart with data is on the screen. */
  firstChart(): Promise<Answer<unknown>>;
  history(id: string, range: Range): Promise<Answer<History>>;
  metricsHistory(range: Range): Promise<Answer<MetricsHistory>>;
  markets(): Promise<Answer<MarketTable>>;
  token(id: string): Promise<Answer<Token>>;
  searchTokens(query: string): Promise<Answer<TokenHit[]>>;
  watch(id: string, position: number | null): Promise<Answer<unknown>>;
  unwatch(id: string): Promise<Answer<unknown>>;
  refresh(): Promise<Answer<unknown>>;
  cacheView(): Promise<Answer<CacheView>>;
  /** `null` where no level has the key. */
  cacheEntry(region: string, key: string): Promise<Answer<CacheEntry | null>>;
  invalidateCache(what: Invalidation): Promise<Answer<unknown>>;
  clearCacheRegion(region: string): Promise<Answer<unknown>>;
  warmCache(): Promise<Answer<Warming>>;
  limitsView(): Promise<Answer<LimitsView>>;
  /** Until the profile starts anew; within what the configuration allows. */
  setServiceLimit(name: string, limit: number): Promise<Answer<ServiceLimits>>;
  isolateService(name: string): Promise<Answer<ServiceLimits>>;
  closeService(name: string): Promise<Answer<ServiceLimits>>;
  /** Makes one call, which counts. */
  testService(name: string): Promise<Answer<ServiceTest>>;
  jobsView(): Promise<Answer<JobsView>>;
  /** The newest `limit` of those that were added before the job `before`. */
  jobsPage(filter: JobFilter, before: number | null, limit: number): Promise<Answer<JobPage>>;
  jobDetail(id: number): Promise<Answer<JobDetail>>;
  addJob(request: NewJobRequest): Promise<Answer<JobAdded>>;
  /** Runs a job that ended again, or one that waits for its time now. */
  retryJob(id: number): Promise<Answer<JobDetail>>;
  cancelJob(id: number): Promise<Answer<JobDetail>>;
  /** Removes a job that has ended for good. */
  discardJob(id: number): Promise<Answer<unknown>>;
  /** Of one queue, or of all; answers how many. */
  retryFailedJobs(queue: string | null): Promise<Answer<number>>;
  pauseQueue(name: string): Promise<Answer<QueueView>>;
  /** Ends a pause as well as draining. */
  resumeQueue(name: string): Promise<Answer<QueueView>>;
  drainQueue(name: string): Promise<Answer<QueueView>>;
  setQueueConcurrency(name: string, concurrency: number): Promise<Answer<QueueView>>;
  settings(): Promise<Answer<Settings>>;
  changeSetting(change: SettingsChange): Promise<Answer<Settings>>;
  /** Writes a file into the Downloads folder and answers with its path. */
  exportHistory(id: string, range: Range, format: ExportFormat): Promise<Answer<string>>;
  openUrl(which: 'attribution'): Promise<Answer<unknown>>;
}

/** Turns a command's answer or refusal, or the failure of a call that never reached the engine, into an `Answer`. */
export async function settle<T>(call: Promise<T>): Promise<Answer<T>> {
  try {
    return { ok: true, data: await call };
  } catch (error) {
    return { ok: false, problem: asProblem(error) };
  }
}

/** Any thrown or refused value as a `Problem`: Tauri itself refuses with plain strings. */
export function asProblem(error: unknown): Problem {
  if (typeof error === 'object' && error !== null && 'code' in error && 'message' in error) {
    return error as Problem;
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'internal', message };
}

const tauri: EngineCalls = {
  openStream(onFrame) {
    const channel = new Channel<Frame>();
    channel.onmessage = onFrame;
    return settle(commands.openStream(channel));
  },
  setVisible: (visible) => settle(commands.setVisible(visible)),
  firstPaint: () => settle(commands.firstPaint()),
  firstChart: () => settle(commands.firstChart()),
  history: (id, range) => settle(commands.history(id, range)),
  metricsHistory: (range) => settle(commands.metricsHistory(range)),
  markets: () => settle(commands.markets()),
  token: (id) => settle(commands.token(id)),
  searchTokens: (query) => settle(commands.searchTokens(query)),
  watch: (id, position) => settle(commands.watch(id, position)),
  unwatch: (id) => settle(commands.unwatch(id)),
  refresh: () => settle(commands.refresh()),
  cacheView: () => settle(commands.cacheView()),
  cacheEntry: (region, key) => settle(commands.cacheEntry(region, key)),
  invalidateCache: (what) => settle(commands.invalidateCache(what)),
  clearCacheRegion: (region) => settle(commands.clearCacheRegion(region)),
  warmCache: () => settle(commands.warmCache()),
  limitsView: () => settle(commands.limitsView()),
  setServiceLimit: (name, limit) => settle(commands.setServiceLimit(name, limit)),
  isolateService: (name) => settle(commands.isolateService(name)),
  closeService: (name) => settle(commands.closeService(name)),
  testService: (name) => settle(commands.testService(name)),
  jobsView: () => settle(commands.jobsView()),
  jobsPage: (filter, before, limit) => settle(commands.jobsPage(filter, before, limit)),
  jobDetail: (id) => settle(commands.jobDetail(id)),
  addJob: (request) => settle(commands.addJob(request)),
  retryJob: (id) => settle(commands.retryJob(id)),
  cancelJob: (id) => settle(commands.cancelJob(id)),
  discardJob: (id) => settle(commands.discardJob(id)),
  retryFailedJobs: (queue) => settle(commands.retryFailedJobs(queue)),
  pauseQueue: (name) => settle(commands.pauseQueue(name)),
  resumeQueue: (name) => settle(commands.resumeQueue(name)),
  drainQueue: (name) => settle(commands.drainQueue(name)),
  setQueueConcurrency: (name, concurrency) => settle(commands.setQueueConcurrency(name, concurrency)),
  settings: () => settle(commands.settings()),
  changeSetting: (change) => settle(commands.changeSetting(change)),
  exportHistory: (id, range, format) => settle(commands.exportHistory(id, range, format)),
  openUrl: (which) => settle(commands.openUrl(which)),
};

/** The engine behind the chosen transport. */
export let calls: EngineCalls = tauri;

/** Chooses the transport; must have resolved before the first call. Immediate inside Tauri. */
export async function connect(): Promise<void> {
  if (import.meta.env.DEV && !('__TAURI_INTERNALS__' in globalThis)) {
    calls = (await import('../dev/fake')).fakeEngine();
  }
}
