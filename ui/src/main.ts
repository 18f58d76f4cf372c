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

void connect().then(start);
