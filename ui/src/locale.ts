/**
 * Gives the window a locale that `Intl` accepts; imported before anything that formats.
 *
 * WebKit hands the POSIX locale on as the language `C`, which is no language tag: uPlot passes it to `Intl`
 * while it loads and would take the whole window down with it. English stands in.
 */
import { setLocale } from './format';

const FALLBACK = 'en-US';

export function acceptable(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1 && !/^(c|posix)$/i.test(tag);
  } catch {
    return false;
  }
}

if (typeof navigator !== 'undefined' && !acceptable(navigator.language)) {
  setLocale(FALLBACK);
  Object.defineProperty(navigator, 'language', { value: FALLBACK, configurable: true });
}
