import './locale';
import 'uplot/dist/uPlot.min.css';
import './tokens.css';
import './base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { calls, connect } from './ipc';
import { engine } from './state/engine.svelte';

function start(): void {
  void engine.open();
  engine.show(document.visibilityState === 'visible');
  document.addEventListener('visibilitychange', () => engine.show(document.visibilityState === 'visible'));
  mount(App, { target: document.body });

  // Not in an animation frame: a window that is still hidden has none. Styles are in force once this task runs.
  setTimeout(() => void calls.firstPaint());
}

/** Resolves when the page's style sheets are in force or will never be: WebKit may run this before it has them. */
async function styled(): Promise<void> {
  const links = document.querySelectorAll<HTMLLinkElement>('link[rel="stylesheet"]');
  const coming = [...links].filter((link) => link.sheet === null);
  const ended = (link: HTMLLinkElement): Promise<void> =>
    new Promise((resolve) => ['load', 'error'].forEach((end) => link.addEventListener(end, () => resolve())));
  await Promise.all(coming.map(ended));
}

// Charts read their colours from the styles.
void Promise.all([connect(), styled()]).then(start);
