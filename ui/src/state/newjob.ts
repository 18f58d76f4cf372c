/** A job as it was typed, and what of it is wrong. Pure. */
import type { JobPriority, NewJobRequest } from '../ipc';

export interface Draft {
  kind: string;
  payload: string;
  /** Empty: the kind's own, as with all that follow. */
  queue: string;
  priority: JobPriority | '';
  key: string;
  delay_s: string;
  attempts: string;
}

export const BLANK: Draft = {
  kind: '',
  payload: '',
  queue: '',
  priority: '',
  key: '',
  delay_s: '',
  attempts: '',
};

const YEAR_S = 365 * 24 * 3_600;
const ATTEMPTS_MAX = 100;

export type Read =
  { ok: true; request: NewJobRequest } | { ok: false; field: 'payload' | 'delay_s' | 'attempts' };

/** Reads a draft; only what the engine could not be asked is refused here. */
export function readDraft(draft: Draft): Read {
  let payload: unknown = null;
  try {
    if (draft.payload.trim() !== '') payload = JSON.parse(draft.payload);
  } catch {
    return { ok: false, field: 'payload' };
  }
  const delay_s = wholeNumber(draft.delay_s, 0, YEAR_S);
  if (delay_s === undefined) return { ok: false, field: 'delay_s' };
  const attempts = wholeNumber(draft.attempts, 1, ATTEMPTS_MAX);
  if (attempts === undefined) return { ok: false, field: 'attempts' };
  const request = {
    kind: draft.kind,
    payload,
    queue: draft.queue || null,
    priority: draft.priority || null,
    key: draft.key.trim() || null,
    delay_ms: delay_s === null ? null : delay_s * 1_000,
    attempts,
  };
  return { ok: true, request };
}

/** The number that was typed; `null` where nothing was, `undefined` where it is none within the bounds. */
function wholeNumber(typed: string, min: number, max: number): number | null | undefined {
  if (typed.trim() === '') return null;
  if (!/^\d{1,9}$/.test(typed.trim())) return undefined;
  const value = Number(typed);
  return value >= min && value <= max ? value : undefined;
}
