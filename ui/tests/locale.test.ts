import { expect, test } from 'vitest';
import { exactTime, minuteTime, setLocale } from '../src/format';
import { acceptable } from '../src/locale';

test('the POSIX locale and other words that are no language tag are not accepted', () => {
  for (const tag of ['C', 'c', 'POSIX', '', 'C.UTF-8', 'en_US', 'en-US-u-va-posix'])
    expect(acceptable(tag)).toBe(false);
  for (const tag of ['en-US', 'de', 'zh-Hans-CN']) expect(acceptable(tag)).toBe(true);
});

test('midnight is 00, not 24', () => {
  setLocale('en-US');
  const midnight = new Date(2026, 10, 22, 0, 5, 7).getTime();
  expect(minuteTime(midnight)).toBe('00:05');
  expect(exactTime(midnight)).toContain('00:05:07');
});
