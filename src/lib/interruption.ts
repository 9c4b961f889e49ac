// Lets work be waited for only until something ends it: a lost device, a Worker that died, a signal. Unlike Promise.race
// against a promise that stays pending, which keeps every result for as long as it does, this leaves nothing behind.

/** Something that ends all waiting, once. */
export class Interruption {
  readonly #waiting = new Set<(reason: unknown) => void>();
  #ended: { readonly reason: unknown } | undefined;

  /** Rejects everything that waits now or later; a second reason changes nothing. */
  interrupt(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = { reason };
    for (const end of this.#waiting) end(reason);
    this.#waiting.clear();
  }

  /** @throws the reason, once there is one */
  check(): void {
    if (this.#ended) throw this.#ended.reason;
  }

  /** Settles as the work does, or rejects with the reason of the interruption if that comes first. */
  until<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#ended) reject(this.#ended.reason);
      else this.#waiting.add(reject);
      work.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }

  /** Number of those that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }
}

/**
 * Settles as the work does, or rejects with the signal's reason if that comes first; the work itself goes on, and nobody
 * hears of it.
 */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const interruption = new Interruption();
  const stop = (): void => interruption.interrupt(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await interruption.until(work);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
