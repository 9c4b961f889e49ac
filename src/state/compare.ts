// Two answers to one question side by side: what base and adapter said, and how they attended to the image.
// The engine has read, graded and measured each answer; this file only lines them up for the page.

import { ADAPTER_SETTINGS } from '../settings/generation_settings';
import { type Answer, isOpen } from './session';

/** Which of the two answers. */
export type Side = 'base' | 'adapter';

/** An adapter as the Look page asks with it; strength 1 is as trained. */
export interface AdapterChoice {
  readonly id: string;
  readonly name: string;
  readonly strength: number;
}

/** Two answers about the same picture, question, settings and seed. A side is null until it was asked. */
export interface Comparison {
  readonly choice: AdapterChoice;
  readonly base: Answer | null;
  readonly adapter: Answer | null;
  /** The side that picture and selection are about: the one being answered, else the one chosen. */
  readonly shown: Side;
}

const { strength: STRENGTH } = ADAPTER_SETTINGS;
/** Step of the strength. */
export const STRENGTH_STEP = 0.05;

/** Brings a strength into its range, on a multiple of {@link STRENGTH_STEP}; the default for what is no number. */
export function fitStrength(strength: number): number {
  if (!Number.isFinite(strength)) return STRENGTH.default;
  const { min = 0, max = STRENGTH.default } = STRENGTH;
  const steps = Math.round(Math.min(Math.max(strength, min), max) / STRENGTH_STEP);
  return Number((steps * STRENGTH_STEP).toFixed(2));
}

/** What one side came to, as the engine read it. */
export interface SideReading {
  readonly status: Answer['status'];
  /** Content of the last box; null when there is none. */
  readonly boxed: string | null;
  /** Null while it is open or where the true answer is not known. */
  readonly right: boolean | null;
  /** Mean image share from the opening back tag to the closing one; null without a look back, or while it is open. */
  readonly back: number | null;
  /** Mean image share late in the first thought; null without a closed one, or while the answer is open. */
  readonly lateThink: number | null;
}

/** Reads one answer's result. */
export function readSide({ status, result }: Answer): SideReading {
  return {
    status,
    boxed: result?.answer ?? null,
    right: result?.verdict?.equal ?? null,
    back: result?.phases?.inBack ?? null,
    lateThink: result?.phases?.late ?? null,
  };
}

/** Image shares of both answers by step, padded with nulls to the longer one; the chart's data. */
export function compareColumns(
  base: Answer | null,
  adapter: Answer | null,
): [number[], (number | null)[], (number | null)[]] {
  const count = Math.max(base?.steps.length ?? 0, adapter?.steps.length ?? 0);
  const column = (answer: Answer | null) =>
    Array.from({ length: count }, (_, step) => answer?.steps[step]?.shares?.image ?? null);
  return [Array.from({ length: count }, (_, step) => step + 1), column(base), column(adapter)];
}

/** Whether the second answer is to be asked after the first: not after one that broke or was stopped. */
export function goesOn(first: Answer | null): boolean {
  return (
    first !== null &&
    !isOpen(first) &&
    first.status === 'finished' &&
    first.result?.stats.finishReason !== 'stopped'
  );
}
