/** Short messages about what was just done, with a way back where there is one. */
import type { Problem } from '../ipc';

export interface Toast {
  key: number;
  text: string;
  tone: 'plain' | 'bad';
  action?: { label: string; run: () => void };
}

const SHOWN_MS = 8_000;
const LIMIT = 3;

class Toasts {
  list = $state.raw<Toast[]>([]);
  #next = 0;

  say(text: string, action?: Toast['action']): void {
    this.#add({ text, tone: 'plain', ...(action ? { action } : {}) });
  }

  problem(problem: Problem): void {
    this.#add({ text: problem.message, tone: 'bad' });
  }

  dismiss(key: number): void {
    this.list = this.list.filter((toast) => toast.key !== key);
  }

  #add(toast: Omit<Toast, 'key'>): void {
    this.#next += 1;
    const key = this.#next;
    this.list = [...this.list, { ...toast, key }].slice(-LIMIT);
    setTimeout(() => this.dismiss(key), SHOWN_MS);
  }
}

export const toasts = new Toasts();
