// Puts another model on the device for one piece of work, and the one before back, whatever came of it: both need not fit
// into memory at once.

import type { ReadonlySignal } from '@preact/signals';
import { DataError } from '../lib/errors';
import type { PlainError } from '../lib/plain_error';
import type { ModelPort } from './train_models';

/** The page's way to exchange models. */
export interface BorrowPort extends Pick<ModelPort, 'loaded' | 'load'> {
  /** Why the last load failed; null where it did not. */
  readonly error: ReadonlySignal<PlainError | null>;
  /** Ends the load that is under way. */
  cancel(): Promise<void>;
  /** Remembers what a change of models takes away; called to put it there again. */
  remember(): () => void;
}

/** Which way models are being exchanged; null while they are not. */
export type Exchange = 'there' | 'back' | null;

/**
 * Resolves to what the work came to, once the model before is there again. A model that is loaded already is not exchanged.
 * @param told what is being done
 * @throws what the work throws; the port's error, or `data/cold-start`, where the model could not be loaded
 */
export async function borrowModel<T>(
  port: BorrowPort,
  id: string,
  work: () => Promise<T>,
  told: (exchange: Exchange) => void,
): Promise<T> {
  const before = port.loaded.peek();
  if (before === id) return work();
  const restore = port.remember();
  try {
    told('there');
    await port.load(id);
    if (port.loaded.peek() !== id)
      throw port.error.peek() ?? new DataError('data/cold-start', `The model "${id}" could not be loaded.`);
    told(null);
    return await work();
  } finally {
    if (before !== null && port.loaded.peek() !== before) {
      told('back');
      await port.load(before);
      if (port.loaded.peek() === before) restore();
    }
    told(null);
  }
}
