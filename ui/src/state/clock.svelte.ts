/** The one timer of the window: ages and right edges follow it. It stands still while the window is hidden. */
class Clock {
  /** The engine's time, to the second the window shows. */
  now = $state(Date.now());
  #offset = 0;
  #ticked = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Takes over the engine's clock; every age on screen is counted from it. */
  set(now_ms: number): void {
    this.#offset = now_ms - Date.now();
    // Frames may come several times a second; ages change once.
    if (Math.floor(now_ms / 1000) !== Math.floor(this.now / 1000)) this.#tick();
  }

  run(visible: boolean): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (!visible) return;
    this.#tick();
    this.#timer = setInterval(() => {
      // While frames arrive they carry the time, and one redraw a second is enough.
      if (performance.now() - this.#ticked > 1_300) this.#tick();
    }, 1_000);
  }

  #tick(): void {
    this.#ticked = performance.now();
    this.now = Date.now() + this.#offset;
  }
}

export const clock = new Clock();
