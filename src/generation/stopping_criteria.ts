// Decides when an answer ends: at an end token, at the length limit, or because somebody stopped it (Hugging Face's
// StoppingCriteria, reduced). Where several reasons hold, the first in this order is reported.

import { ArgumentError } from '../lib/errors';

/** Why generation ended. `stopped` means the caller asked; the text so far is kept. */
export type FinishReason = 'eos' | 'length' | 'stopped';

/** What may end an answer. */
export interface StoppingOptions {
  readonly eosTokenIds: readonly number[];
  /** At least 1. */
  readonly maxNewTokens: number;
  readonly signal?: AbortSignal | undefined;
}

/** Decides after each token whether its sequence is over. */
export class StoppingCriteria {
  readonly #eos: ReadonlySet<number>;
  readonly #maxNewTokens: number;
  readonly #signal: AbortSignal | undefined;

  /** @throws ArgumentError for a limit below 1 */
  constructor(options: StoppingOptions) {
    if (!Number.isInteger(options.maxNewTokens) || options.maxNewTokens < 1) {
      throw new ArgumentError(`maxNewTokens must be a whole number from 1, not ${options.maxNewTokens}.`);
    }
    this.#eos = new Set(options.eosTokenIds);
    this.#maxNewTokens = options.maxNewTokens;
    this.#signal = options.signal;
  }

  /** True once the caller asked to stop; looked at between steps. */
  get stopped(): boolean {
    return this.#signal?.aborted === true;
  }

  /** True for a token that ends an answer and is no part of its text. */
  isEnd(id: number): boolean {
    return this.#eos.has(id);
  }

  /**
   * Why the answer ends after token `id`, or null to go on.
   *
   * @param count tokens generated, this one included
   */
  after(id: number, count: number): FinishReason | null {
    if (this.#eos.has(id)) return 'eos';
    if (count >= this.#maxNewTokens) return 'length';
    return this.stopped ? 'stopped' : null;
  }
}
