// Holds the results of experiments that ship with the page: their list, and the one that is shown. They are static files,
// fetched when they are first wanted.

import { type ReadonlySignal, signal } from '@preact/signals';
import { type PlainError, plainError } from '../lib/plain_error';
import type { ShippedExperiment, ShippedName } from './shipped_experiment';

/** The results. Commands never throw: failures become `error`. */
export interface Results {
  /** Null until it is known. */
  readonly list: ReadonlySignal<readonly ShippedName[] | null>;
  readonly shown: ReadonlySignal<ShippedExperiment | null>;
  readonly error: ReadonlySignal<PlainError | null>;
  /** Fetches the list. */
  open(): Promise<void>;
  /** Fetches an experiment's results, and shows them unless another one was wanted since. */
  show(name: string): Promise<void>;
}

/** @param fetchFile the content of a file of `results/`; rejects where there is none */
export function createResults(fetchFile: (name: string) => Promise<unknown>): Results {
  const list = signal<readonly ShippedName[] | null>(null);
  const shown = signal<ShippedExperiment | null>(null);
  const error = signal<PlainError | null>(null);
  let wanted = '';
  const attempt = async (run: () => Promise<void>): Promise<void> => {
    error.value = null;
    try {
      await run();
    } catch (thrown) {
      error.value = plainError(thrown);
    }
  };
  return {
    ...{ list, shown, error },
    open: () =>
      attempt(async () => {
        if (list.value === null) list.value = (await fetchFile('results.json')) as ShippedName[];
      }),
    show: (name) =>
      attempt(async () => {
        wanted = name;
        if (shown.value?.name === name) return;
        shown.value = null;
        const found = (await fetchFile(`${name}.json`)) as ShippedExperiment;
        if (wanted === name) shown.value = found;
      }),
  };
}
