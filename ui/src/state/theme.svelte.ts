/** The colours in force: the setting, or the desktop's where the setting says so. */
import type { Theme } from '../ipc';

declare global {
  interface Window {
    /** Set by the shell before the first script runs. */
    __EIDER__?: { theme?: Theme };
  }
}

const light = matchMedia('(prefers-color-scheme: light)');

class ThemeState {
  setting = $state<Theme>(window.__EIDER__?.theme ?? 'system');
  #system = $state<'dark' | 'light'>(light.matches ? 'light' : 'dark');

  constructor() {
    light.addEventListener('change', () => {
      this.#system = light.matches ? 'light' : 'dark';
      this.#paint();
    });
    this.#paint();
  }

  get active(): 'dark' | 'light' {
    return this.setting === 'system' ? this.#system : this.setting;
  }

  set(setting: Theme): void {
    this.setting = setting;
    this.#paint();
  }

  #paint(): void {
    document.documentElement.dataset.theme = this.active;
  }
}

export const theme = new ThemeState();
