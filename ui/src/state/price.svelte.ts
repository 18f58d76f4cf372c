/** The price line of one token: its history, continued by the quotes of the stream. */
import { calls, type History, type Quote, type Range } from '../ipc';
import { ChartWindow, type Columns } from '../charts/window';
import { Loader } from './loader.svelte';
import { spanAt } from './range';

interface Picture {
  columns: Columns;
  volume: (number | null)[];
  points: number;
  step_ms: number;
}

const EMPTY: Picture = { columns: [[], []], volume: [], points: 0, step_ms: 60_000 };

export class PriceFeed {
  picture = $state.raw<Picture>(EMPTY);
  loader = new Loader<History>();
  #window = new ChartWindow(2);
  #asked = '';

  /** Loads a token's history; the picture of another token or range is dropped at once. */
  async load(id: string, range: Range, currency: string): Promise<void> {
    const asked = `${id} ${range} ${currency}`;
    if (asked !== this.#asked) {
      this.#asked = asked;
      this.loader.reset();
      this.#window = new ChartWindow(2);
      this.picture = EMPTY;
    }
    const history = await this.loader.load(() => calls.history(id, range));
    if (!history || this.#asked !== asked) return;
    this.#window.load(history.at_ms, [history.price, history.volume_24h], history.step_ms);
    this.#publish();
  }

  /** Continues the line; a quote that is already in it changes nothing. */
  take(quote: Quote, range: Range): void {
    const at = quote.provenance?.as_of_ms;
    if (at === undefined || quote.price === null || this.loader.data?.id !== quote.id) return;
    if (at <= (this.#window.lastAt ?? -Infinity)) return;
    this.#window.append(at, [quote.price, quote.volume_24h]);
    this.#window.trim(spanAt(range, at).min);
    this.#publish();
  }

  #publish(): void {
    const [at, price, volume] = this.#window.columns();
    this.picture = {
      columns: [at, price!],
      volume: volume!,
      points: this.#window.points,
      step_ms: this.#window.step,
    };
  }
}
