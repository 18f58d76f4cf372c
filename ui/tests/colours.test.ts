import { afterEach, expect, test, vi } from 'vitest';
import { palette } from '../src/charts/palette';

afterEach(() => vi.unstubAllGlobals());

/** A page whose style sheet gives this colour to every token. */
function page(theme: string, colour: string): () => number {
  let reads = 0;
  vi.stubGlobal('document', { documentElement: { dataset: { theme } } });
  vi.stubGlobal('getComputedStyle', () => ({ getPropertyValue: () => ((reads += 1), ` ${colour}`) }));
  return () => reads;
}

test('colours of a style sheet that comes late are read again, and then no more', () => {
  const colours = palette([{ color: 'l1' }, { color: 'l2' }]);
  page('dark', '');
  expect(colours()).toEqual(['', '']);
  const reads = page('dark', '#5fd3a6');
  expect(colours()).toEqual(['#5fd3a6', '#5fd3a6']);
  expect(colours()).toEqual(['#5fd3a6', '#5fd3a6']);
  expect(reads()).toBe(2);
  page('light', '#0a7a55');
  expect(colours()).toEqual(['#0a7a55', '#0a7a55']);
});
