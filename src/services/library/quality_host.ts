// Serves the commands that measure what the precision of the loaded model costs: one measurement at a time, which ends when
// somebody cancels it, asks a question or loads another model.

import { LookBackError } from '../../lib/errors';
import type { Reasoner } from '../../lookback/reasoner';
import type { ModelQuality, QualityCommands } from '../../worker/protocol/models';
import type { Engine, Loaded } from '../answers/engine';

/** What measuring needs. */
export interface QualityHostParts {
  readonly engine: Pick<Engine<Reasoner>, 'interlude'>;
  /** See `measureQuality` of model_quality.ts; fetched with the first measurement. */
  measure(loaded: Loaded<Reasoner>, signal: AbortSignal): Promise<ModelQuality>;
}

/** The commands. */
export class QualityHost implements QualityCommands {
  readonly #parts: QualityHostParts;
  #cancelled: AbortController | null = null;

  constructor(parts: QualityHostParts) {
    this.#parts = parts;
  }

  /** See QualityCommands. */
  async measureQuality(): Promise<ModelQuality> {
    if (this.#cancelled !== null) {
      throw new LookBackError('engine/state', 'The weights are being measured already: wait, or cancel it.');
    }
    const cancelled = new AbortController();
    this.#cancelled = cancelled;
    try {
      return await this.#parts.engine.interlude((loaded, signal) => {
        const both = AbortSignal.any([signal, cancelled.signal]);
        return loaded.gpu.untilLost(this.#parts.measure(loaded, both));
      });
    } finally {
      this.#cancelled = null;
    }
  }

  /** See QualityCommands. */
  async cancelQuality(): Promise<void> {
    this.#cancelled?.abort();
  }
}
