/**
 * Every number, time and size that the window shows passes through here.
 *
 * Values arrive exact; a missing or non-finite value is an en dash, never `NaN` or `0`. The locale is the
 * system's; formatters are kept, because building one costs more than using it a thousand times.
 */

export const MISSING = '–';
const NBSP = '\u00a0';

let locale: string | undefined;
const numbers = new Map<string, Intl.NumberFormat>();
const times = new Map<string, Intl.DateTimeFormat>();

/** Sets the locale; `undefined` follows the system. */
export function setLocale(tag: string | undefined): void {
  locale = tag;
  numbers.clear();
  times.clear();
}

function number(value: number, options: Intl.NumberFormatOptions): string {
  const key = JSON.stringify(options);
  let format = numbers.get(key);
  if (!format) numbers.set(key, (format = new Intl.NumberFormat(locale, options)));
  // A minus sign is as wide as a plus, a hyphen is not. `+ 0` makes negative zero a plain one.
  return format.format(value + 0).replace('-', '−');
}

function time(at_ms: number, options: Intl.DateTimeFormatOptions): string {
  const key = JSON.stringify(options);
  let format = times.get(key);
  if (!format) times.set(key, (format = new Intl.DateTimeFormat(locale, options)));
  return format.format(at_ms);
}

export type Maybe = number | null | undefined;

export function isNumber(value: Maybe): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** A price: four significant digits below 1,000, cents above, whole units from 10,000 on. */
export function price(value: Maybe): string {
  if (!isNumber(value)) return MISSING;
  const size = Math.abs(value);
  if (size === 0) return number(0, {});
  if (size >= 9_999.995) return number(value, { maximumFractionDigits: 0 });
  if (size >= 99.995) return number(value, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  if (size < 1e-12) return number(value, { notation: 'scientific', maximumFractionDigits: 3 });
  // Zeros at the end are kept where there is room, so that a moving price does not change its width.
  const short = number(value, { minimumSignificantDigits: size < 1e-8 ? 1 : 4, maximumSignificantDigits: 4 });
  return size < 0.99995
    ? short
    : number(value, { minimumFractionDigits: 2, maximumFractionDigits: size < 9.9995 ? 3 : 2 });
}

/** A price on an axis whose ticks are `step` apart: just enough digits to tell two ticks apart. */
export function axisPrice(value: number, step: number): string {
  if (!isNumber(value)) return MISSING;
  if (Math.abs(value) >= 1e6) return compact(value);
  const digits = step > 0 ? Math.min(20, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9))) : 0;
  return number(value, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export type Tone = 'up' | 'down' | 'flat';

/** A signed change with the arrow that says the same without colour. */
export interface Change {
  tone: Tone;
  text: string;
}

/** A change in per cent, for example `▲ +3.2 %`. */
export function change(pct: Maybe): Change {
  if (!isNumber(pct)) return { tone: 'flat', text: MISSING };
  const rounded = Math.round(pct * 10) / 10;
  const digits = number(rounded, {
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
    signDisplay: 'exceptZero',
  });
  if (rounded > 0) return { tone: 'up', text: `▲${NBSP}${digits}${NBSP}%` };
  if (rounded < 0) return { tone: 'down', text: `▼${NBSP}${digits}${NBSP}%` };
  return { tone: 'flat', text: `▪${NBSP}${digits}${NBSP}%` };
}

/** A large amount in few characters, for example `1.80M`. */
export function compact(value: Maybe): string {
  if (!isNumber(value)) return MISSING;
  if (Math.abs(value) < 1_000) return number(value, { maximumSignificantDigits: 3 });
  return number(value, { notation: 'compact', minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
}

/** Every digit of a large amount, for tooltips. */
export function full(value: Maybe): string {
  return isNumber(value) ? number(value, { maximumFractionDigits: 20 }) : MISSING;
}

export function count(value: Maybe): string {
  return isNumber(value) ? number(value, { maximumFractionDigits: 0 }) : MISSING;
}

/** A share `0..1` in per cent. */
export function share(value: Maybe): string {
  if (!isNumber(value)) return MISSING;
  const digits = value >= 0.9995 || value === 0 ? 0 : 1;
  return `${number(value * 100, { minimumFractionDigits: digits, maximumFractionDigits: digits })}${NBSP}%`;
}

/** A share `0..1` in whole per cents, where room is short. */
export function roughShare(value: Maybe): string {
  return isNumber(value) ? `${number(value * 100, { maximumFractionDigits: 0 })}${NBSP}%` : MISSING;
}

/** A factor `0..1` with two digits. */
export function factor(value: Maybe): string {
  return isNumber(value) ? number(value, { minimumFractionDigits: 2, maximumFractionDigits: 2 }) : MISSING;
}

/** A size in binary units, as system monitors count memory. */
export function bytes(value: Maybe): string {
  if (!isNumber(value)) return MISSING;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let step = 0;
  let size = value;
  while (size >= 1024 && step < units.length - 1) {
    size /= 1024;
    step += 1;
  }
  return `${number(size, { maximumFractionDigits: size < 10 && step > 0 ? 1 : 0 })}${NBSP}${units[step]}`;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A span of time in its largest whole unit, for example `12 s` or `4 min`; never negative. */
export function span(ms: Maybe): string {
  if (!isNumber(ms)) return MISSING;
  const size = Math.max(0, ms);
  if (size < MINUTE) return `${count(Math.floor(size / SECOND))}${NBSP}s`;
  if (size < HOUR) return `${count(Math.floor(size / MINUTE))}${NBSP}min`;
  if (size < 2 * DAY) return `${count(Math.floor(size / HOUR))}${NBSP}h`;
  return `${count(Math.floor(size / DAY))}${NBSP}d`;
}

/** How long until `at_ms`, in whole seconds rounded up: what is still to come is not 0 s away. */
export function until(at_ms: Maybe, now_ms: number): string {
  return isNumber(at_ms) ? span(Math.ceil((at_ms - now_ms) / SECOND) * SECOND) : MISSING;
}

/**
 * A set length of time, exact to its second largest unit, for example `7 min 30 s` or `24 h`; never negative.
 * For what is configured or computed; `span` is for ages, which only grow.
 */
export function duration(ms: Maybe): string {
  if (!isNumber(ms)) return MISSING;
  const size = Math.max(0, ms);
  if (size < SECOND) return `${count(size)}${NBSP}ms`;
  // Rounded before it is taken apart: 59.7 s are a minute, not 60 s.
  const part = size < HOUR ? SECOND : size < 2 * DAY ? MINUTE : HOUR;
  const whole = Math.round(size / part) * part;
  const [unit, name, below, belowName] =
    whole < MINUTE
      ? ([SECOND, 's', 0, ''] as const)
      : whole < HOUR
        ? ([MINUTE, 'min', SECOND, 's'] as const)
        : whole < 2 * DAY
          ? ([HOUR, 'h', MINUTE, 'min'] as const)
          : ([DAY, 'd', HOUR, 'h'] as const);
  const first = `${count(Math.floor(whole / unit))}${NBSP}${name}`;
  const rest = below > 0 ? Math.floor((whole % unit) / below) : 0;
  return rest > 0 ? `${first} ${count(rest)}${NBSP}${belowName}` : first;
}

/** A time that was measured in microseconds, for example `41 µs` or `1.4 ms`. */
export function micros(us: Maybe): string {
  if (!isNumber(us)) return MISSING;
  const size = Math.max(0, us);
  const short = (value: number): string => number(value, { maximumFractionDigits: value < 9.95 ? 1 : 0 });
  if (size < 999.5) return `${count(size)}${NBSP}µs`;
  if (size < 999_500) return `${short(size / 1_000)}${NBSP}ms`;
  return `${short(size / 1_000_000)}${NBSP}s`;
}

/** A time that was measured in milliseconds, for example `41 ms`, `0.4 s` or `2 min 5 s`. */
export function elapsed(ms: Maybe): string {
  if (!isNumber(ms)) return MISSING;
  if (ms > 0 && ms < 1) return micros(ms * 1_000);
  if (ms < 99.5) return `${count(ms)}${NBSP}ms`;
  if (ms >= 59_500) return duration(ms);
  const digits = ms < 9_950 ? 1 : 0;
  return `${number(ms / 1_000, { minimumFractionDigits: digits, maximumFractionDigits: digits })}${NBSP}s`;
}

/** How old something from `at_ms` is at `now_ms`. A clock that runs ahead makes nothing younger than 0 s. */
export function age(at_ms: Maybe, now_ms: number): string {
  return isNumber(at_ms) ? span(now_ms - at_ms) : MISSING;
}

/** The time of day with seconds. */
export function clockTime(at_ms: Maybe): string {
  return isNumber(at_ms)
    ? time(at_ms, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
    : MISSING;
}

/** The time of day to the minute. */
export function minuteTime(at_ms: Maybe): string {
  return isNumber(at_ms) ? time(at_ms, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }) : MISSING;
}

export function dayTime(at_ms: Maybe): string {
  return isNumber(at_ms) ? time(at_ms, { month: 'short', day: 'numeric' }) : MISSING;
}

/** Day and time to the minute, where a range is longer than a day. */
export function dayMinute(at_ms: Maybe): string {
  return isNumber(at_ms)
    ? time(at_ms, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
    : MISSING;
}

/** Weekday and time to the minute, for what is less than a week away. */
export function weekdayMinute(at_ms: Maybe): string {
  return isNumber(at_ms)
    ? time(at_ms, { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
    : MISSING;
}

export function date(at_ms: Maybe): string {
  return isNumber(at_ms) ? time(at_ms, { year: 'numeric', month: 'short', day: 'numeric' }) : MISSING;
}

/** Date and time to the second, for tooltips and tables. */
export function exactTime(at_ms: Maybe): string {
  return isNumber(at_ms)
    ? time(at_ms, {
        year: 'numeric',
        month: 'short',
        day: 'numeric',
        hour: '2-digit',
        minute: '2-digit',
        second: '2-digit',
        hourCycle: 'h23',
      })
    : MISSING;
}
