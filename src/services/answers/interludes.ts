// Keeps the one piece of work that goes on between questions and gives way to the next: a look at single heads, or a
// measurement of the weights.

/** The work of that kind. */
export class Interludes {
  #current: { readonly stop: AbortController; readonly ended: Promise<unknown> } | undefined;

  /** Whether such work goes on. */
  get running(): boolean {
    return this.#current !== undefined;
  }

  /** Runs work until it is done, or until its signal is aborted by {@link end}. Throws what the work throws. */
  async run<T>(work: (ended: AbortSignal) => Promise<T>): Promise<T> {
    const stop = new AbortController();
    const running = work(stop.signal);
    const current = { stop, ended: running.catch(() => undefined) };
    // Work that was refused because other work goes on does not take its place.
    this.#current ??= current;
    try {
      return await running;
    } finally {
      if (this.#current === current) this.#current = undefined;
    }
  }

  /** Ends the work, and waits until it has. */
  async end(): Promise<void> {
    this.#current?.stop.abort();
    await this.#current?.ended;
  }
}
