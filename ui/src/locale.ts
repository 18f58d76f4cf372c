/**
 * Gives the window a locale that `Intl` accepts; imported before anything that formats.
 *
 * WebKit hands the POSIX locale on as the language `C`, which is no language tag: uPlot passes it to `Intl`
 * while it loads and would take the whole window down with it. Or it hands it on as `en-US-u-va-posix`, which groups
 * no digits. English stands in for both.
 */
import { setLocale } from './format';

const FALLBACK = 'en-US';

export function acceptable(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1 && !/^c$|posix/i.test(tag);
  } catch {
    return false;
  }
}

/** What `Intl` takes where no locale is named can be another one than the window says. */
function preset(): string {
  return new Intl.NumberFormat().resolvedOptions().locale;
}

if (typeof navigator !== 'undefined' && !(acceptable(navigator.language) && acceptable(preset()))) {
  setLocale(FALLBACK);
  Object.defineProperty(navigator, 'language', { value: FALLBACK, configurable: true });
}
