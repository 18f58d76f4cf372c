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
  #id: string | null = null;
  #range: Range | null = null;
  /** Profile and currency the points belong to; `null` while not even the first frame has told. */
  #source: string | null = null;

  /** Whether this token, range and source were asked for already. A source that becomes known is no other one. */
  covers(id: string, range: Range, source: string | null): boolean {
    if (id !== this.#id || range !== this.#range) return false;
    this.#source ??= source;
    return source === null || source === this.#source;
  }

  /**
   * Loads a token's history. The picture of another token or source goes at once; over another range it stays
   * until the answer comes, because its points are as true there.
   */
  async load(id: string, range: Range, source: string | null): Promise<void> {
    if (id !== this.#id || (this.#source !== null && source !== this.#source)) {
      this.loader.reset();
      this.#window = new ChartWindow(2);
      this.picture = EMPTY;
    }
    [this.#id, this.#range, this.#source] = [id, range, source];
    const history = await this.loader.load(() => calls.history(id, range));
    if (!history) return;
    this.#window.load(history.at_ms, [history.price, history.volume_24h], history.step_ms);
    this.#publish();
  }

  /** Continues the line; a quote that is already in it changes nothing. */
  take(quote: Quote, range: Range): void {
    const at = quote.provenance?.as_of_ms;
    if (at === undefined || quote.price === null || this.loader.data?.id !== quote.id) return;
    if (this.#range !== range || at <= (this.#window.lastAt ?? -Infinity)) return;
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
