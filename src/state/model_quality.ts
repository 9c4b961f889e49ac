// Holds what the precision of the loaded model costs, once somebody has it measured: how far that is, what came of it,
// and why it ended early. A result belongs to the model that was loaded then, and goes with it.

import { type ReadonlySignal, signal } from '@preact/signals';
import { type PlainError, plainError } from '../lib/plain_error';
import type { EngineClient } from '../worker/client';
import type { ModelQuality, QualityEvent } from '../worker/protocol/models';

/** The measurement's state and commands. Commands never throw: failures become `error`. */
export interface QualityState {
  /** Null while nothing is measured; `total` is 0 until the first event. */
  readonly progress: ReadonlySignal<Pick<QualityEvent, 'phase' | 'done' | 'total'> | null>;
  /** Of the model that is loaded. */
  readonly result: ReadonlySignal<ModelQuality | null>;
  /** True when a question or another load ended the measurement. */
  readonly overtaken: ReadonlySignal<boolean>;
  readonly error: ReadonlySignal<PlainError | null>;
  measure(): Promise<void>;
  cancel(): void;
}

/** Makes the state. */
export function createQualityState(
  client: Pick<EngineClient, 'listen' | 'measureQuality' | 'cancelQuality'>,
): QualityState {
  const progress = signal<Pick<QualityEvent, 'phase' | 'done' | 'total'> | null>(null);
  const result = signal<ModelQuality | null>(null);
  const overtaken = signal(false);
  const error = signal<PlainError | null>(null);
  let cancelled = false;
  client.listen((events) => {
    for (const event of events) {
      if (event.type === 'modelLoaded') result.value = null;
      if (event.type !== 'qualityProgressed' || progress.value === null) continue;
      progress.value = { phase: event.phase, done: event.done, total: event.total };
    }
  });
  return {
    ...{ progress, result, overtaken, error },
    measure: async () => {
      if (progress.value !== null) return;
      cancelled = false;
      overtaken.value = false;
      error.value = null;
      progress.value = { phase: 'weights', done: 0, total: 0 };
      try {
        result.value = await client.measureQuality();
      } catch (thrown) {
        const plain = plainError(thrown);
        if (plain.code !== 'engine/cancelled') error.value = plain;
        else overtaken.value = !cancelled;
      }
      progress.value = null;
    },
    cancel: () => {
      cancelled = true;
      client.cancelQuality().catch(() => undefined);
    },
  };
}
