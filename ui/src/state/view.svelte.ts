/** Where the window is: screen, open token, chosen token and range, open dialog. */
import type { Range } from '../ipc';
import { isRange } from './range';

export const SCREENS = ['overview', 'markets', 'jobs', 'cache', 'limits', 'settings'] as const;
export type Screen = (typeof SCREENS)[number];

/** What the palette is open for. */
export type PaletteMode = 'all' | 'add';

class View {
  screen = $state<Screen>('overview');
  /** The token whose page is open within Markets. */
  page = $state<string | null>(null);
  /** The token of the price chart on the Overview; `null` means the first watched one. */
  token = $state<string | null>(localStorage.getItem('eider.token'));
  range = $state<Range>(remembered());
  palette = $state<PaletteMode | null>(null);
  keys = $state(false);
  /** Asks for the focus in the search field of Markets or Cache, which takes the request back. */
  search = $state(false);

  open(screen: Screen): void {
    this.screen = screen;
    this.page = null;
  }

  openToken(id: string): void {
    this.screen = 'markets';
    this.page = id;
  }

  choose(id: string): void {
    this.token = id;
    localStorage.setItem('eider.token', id);
  }

  setRange(range: Range): void {
    this.range = range;
    localStorage.setItem('eider.range', range);
  }
}

function remembered(): Range {
  const range = localStorage.getItem('eider.range');
  return isRange(range) && range !== '1y' ? range : '1h';
}

export const view = new View();
