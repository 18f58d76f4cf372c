import { beforeEach, expect, test } from 'vitest';
import {
  age,
  axisPrice,
  bytes,
  change,
  compact,
  count,
  duration,
  elapsed,
  exactTime,
  factor,
  full,
  micros,
  price,
  roughShare,
  setLocale,
  share,
  span,
  until,
} from '../src/format';

beforeEach(() => setLocale('en-US'));

const plain = (text: string): string => text.replaceAll('\u00a0', ' ');

test.each([
  [0, '0'],
  [-0, '0'],
  [5.41, '5.41'],
  [5.4123, '5.412'],
  [1, '1.00'],
  [0.99996, '1.00'],
  [0.5, '0.5000'],
  [0.002131, '0.002131'],
  [0.00217, '0.002170'],
  [0.00002131, '0.00002131'],
  [7.8e-11, '0.000000000078'],
  [3e-15, '3E−15'],
  [12.346, '12.35'],
  [231.4, '231.40'],
  [999.999, '1,000.00'],
  [3871.2, '3,871.20'],
  [9_999.999, '10,000'],
  [61_230.4, '61,230'],
  [1.23e12, '1,230,000,000,000'],
  [-5.41, '−5.41'],
])('a price of %d keeps its significant digits: %s', (value, shown) => {
  expect(price(value)).toBe(shown);
});

test.each([null, undefined, NaN, Infinity, -Infinity])('%s is shown as missing by every format', (value) => {
  for (const format of [
    price,
    compact,
    full,
    count,
    share,
    roughShare,
    factor,
    bytes,
    span,
    duration,
    micros,
    exactTime,
  ]) {
    expect(format(value)).toBe('–');
  }
  expect(change(value)).toEqual({ tone: 'flat', text: '–' });
  expect(age(value, 1_000)).toBe('–');
});

test.each([
  [3.24, 'up', '▲ +3.2 %'],
  [-0.4, 'down', '▼ −0.4 %'],
  [0, 'flat', '▪ 0.0 %'],
  [-0, 'flat', '▪ 0.0 %'],
  [-0.04, 'flat', '▪ 0.0 %'],
  [0.05, 'up', '▲ +0.1 %'],
  [1234.5, 'up', '▲ +1,234.5 %'],
])('a change of %d has a sign, an arrow and a tone', (value, tone, text) => {
  expect({ ...change(value), text: plain(change(value).text) }).toEqual({ tone, text });
});

test('large amounts are short, and whole in the tooltip', () => {
  expect(compact(1_800_000)).toBe('1.80M');
  expect(compact(266e9)).toBe('266B');
  expect(compact(12.3456)).toBe('12.3');
  expect(compact(0)).toBe('0');
  expect(full(1_800_000.125)).toBe('1,800,000.125');
});

test('two ticks of an axis never read the same', () => {
  expect([0.002035, 0.00208].map((tick) => axisPrice(tick, 0.000045))).toEqual(['0.00204', '0.00208']);
  expect([61_200, 61_400].map((tick) => axisPrice(tick, 200))).toEqual(['61,200', '61,400']);
  expect([5.4, 5.45].map((tick) => axisPrice(tick, 0.05))).toEqual(['5.40', '5.45']);
  expect(axisPrice(1, 0)).toBe('1');
});

test('shares, factors and sizes', () => {
  expect(plain(share(0.964))).toBe('96.4 %');
  expect(plain(share(1))).toBe('100 %');
  expect(plain(share(0))).toBe('0 %');
  expect(plain(roughShare(0.964))).toBe('96 %');
  expect(factor(0.342)).toBe('0.34');
  expect(plain(bytes(61e6))).toBe('58 MiB');
  expect(plain(bytes(1536))).toBe('1.5 KiB');
  expect(plain(bytes(12))).toBe('12 B');
});

test.each([
  [0, '0 s'],
  [999, '0 s'],
  [12_400, '12 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [3_599_999, '59 min'],
  [3_600_000, '1 h'],
  [47 * 3_600_000, '47 h'],
  [49 * 3_600_000, '2 d'],
])('%d ms are %s', (ms, shown) => {
  expect(plain(span(ms))).toBe(shown);
});

test.each([
  [1, '1 s'],
  [1_000, '1 s'],
  [1_001, '2 s'],
  [59_001, '1 min'],
  [-5, '0 s'],
])('what comes in %d ms is %s away', (ms, shown) => {
  expect(plain(until(1_000_000 + ms, 1_000_000))).toBe(shown);
});

test.each([
  [0, '0 ms'],
  [450, '450 ms'],
  [1_000, '1 s'],
  [59_700, '1 min'],
  [300_000, '5 min'],
  [450_000, '7 min 30 s'],
  [3_599_700, '1 h'],
  [86_400_000, '24 h'],
  [139_968_000, '38 h 53 min'],
  [48 * 3_600_000, '2 d'],
  [30 * 86_400_000, '30 d'],
  [30 * 86_400_000 + 5 * 3_600_000, '30 d 5 h'],
  [-5, '0 ms'],
])('a set length of %d ms is %s', (ms, shown) => {
  expect(plain(duration(ms))).toBe(shown);
});

test.each([
  [0, '0 µs'],
  [0.4, '0 µs'],
  [41, '41 µs'],
  [999.6, '1 ms'],
  [1_440, '1.4 ms'],
  [9_960, '10 ms'],
  [184_000, '184 ms'],
  [2_100_000, '2.1 s'],
])('%d microseconds are %s', (us, shown) => {
  expect(plain(micros(us))).toBe(shown);
});

test('a clock that runs ahead makes nothing younger than now', () => {
  expect(plain(age(2_000, 1_000))).toBe('0 s');
});

test('numbers follow the locale', () => {
  setLocale('de-DE');
  expect(price(61_230.4)).toBe('61.230');
  expect(price(5.412)).toBe('5,412');
});

test.each([
  [null, '–'],
  [0, '0 ms'],
  [0.4, '400 µs'],
  [3, '3 ms'],
  [41.6, '42 ms'],
  [99.6, '0.1 s'],
  [400, '0.4 s'],
  [1_240, '1.2 s'],
  [9_960, '10 s'],
  [41_000, '41 s'],
  [59_700, '1 min'],
  [125_000, '2 min 5 s'],
])('%j ms took %j', (ms, expected) => {
  expect(plain(elapsed(ms))).toBe(expected);
});
