// Holds the adapter that the next question is asked with, its strength, and whether the base model is asked beside it.

import { batch, type ReadonlySignal, signal } from '@preact/signals';
import { type AdapterChoice, fitStrength } from './compare';

/** What the next question is asked of. */
export interface LookAdapter {
  /** The adapter that the next question is asked with; null asks the base model. */
  readonly adapter: ReadonlySignal<AdapterChoice | null>;
  /** Whether questions go to the base model and to the adapter, one after the other. */
  readonly comparing: ReadonlySignal<boolean>;
  /** Chooses an adapter at the strength of the one before, or none; comparing ends with the adapter. */
  chooseAdapter(adapter: Pick<AdapterChoice, 'id' | 'name'> | null): void;
  setStrength(strength: number): void;
  /** Begins only with an adapter chosen. */
  setComparing(comparing: boolean): void;
  /** Shows two answers that were compared before side by side, whatever the next question is asked of. */
  showBoth(): void;
}

/** The base model alone at first. */
export function createLookAdapter(): LookAdapter {
  const adapter = signal<AdapterChoice | null>(null);
  const comparing = signal(false);
  return {
    adapter,
    comparing,
    chooseAdapter: (chosen) =>
      batch(() => {
        const strength = adapter.value?.strength ?? 1;
        adapter.value = chosen === null ? null : { id: chosen.id, name: chosen.name, strength };
        if (chosen === null) comparing.value = false;
      }),
    setStrength: (strength) => {
      if (adapter.value !== null) adapter.value = { ...adapter.value, strength: fitStrength(strength) };
    },
    setComparing: (wanted) => {
      comparing.value = wanted && adapter.value !== null;
    },
    showBoth: () => {
      comparing.value = true;
    },
  };
}
