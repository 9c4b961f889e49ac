// Two answers to one question side by side: what base and adapter said, and how they attended to the image.
// Pure: look.ts asks both and keeps them. The phases are those of the evaluation (lookback/evaluation.ts), read here
// from an answer's own steps. Invariant: a figure of a phase that an answer lacks is null, never zero.

import { type Answer, isOpen, type Step } from './session';

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

/** Highest strength offered. */
export const MAX_STRENGTH = 1.5;
/** Step of the strength. */
export const STRENGTH_STEP = 0.05;

/** Brings a strength into 0 to {@link MAX_STRENGTH}, on a multiple of {@link STRENGTH_STEP}; 1 for what is no number. */
export function fitStrength(strength: number): number {
  if (!Number.isFinite(strength)) return 1;
  const steps = Math.round(Math.min(Math.max(strength, 0), MAX_STRENGTH) / STRENGTH_STEP);
  return Number((steps * STRENGTH_STEP).toFixed(2));
}

/** Tokens at the end of the first thought that count as late: those of the evaluation. */
export const LATE_TOKENS = 12;

/** Mean image shares of two phases of one answer. */
export interface Phases {
  /** From the first `<back>` after the first thought to its closing tag. */
  readonly back: number | null;
  /** The last {@link LATE_TOKENS} tokens inside the first `<think>`. */
  readonly lateThink: number | null;
}

interface Span {
  readonly open: number;
  readonly start: number;
  readonly end: number;
}

/** Where a tag and its closing tag lie, searched from `from`; null when either is missing. */
function tagged(text: string, name: string, from: number): Span | null {
  const open = text.indexOf(`<${name}>`, from);
  if (open < 0) return null;
  const start = open + name.length + 2;
  const end = text.indexOf(`</${name}>`, start);
  return end < 0 ? null : { open, start, end };
}

/** Steps that wrote the characters [start, end), white space at both ends left out. */
function stepsOf(answer: Answer, start: number, end: number): readonly Step[] {
  const inner = answer.text.slice(start, end);
  const from = start + inner.length - inner.trimStart().length;
  const to = start + inner.trimEnd().length;
  return answer.steps.filter((step) => step.end > from && step.start < to && step.end > step.start);
}

function meanImage(steps: readonly Step[]): number | null {
  const known = steps.flatMap(({ shares }) => (shares === null ? [] : [shares.image]));
  return known.length === 0 ? null : known.reduce((sum, share) => sum + share, 0) / known.length;
}

/** The phases of an answer; null where it has none or nothing was recorded. */
export function phasesOf(answer: Answer): Phases {
  const first = tagged(answer.text, 'think', 0);
  const back = tagged(answer.text, 'back', first?.end ?? 0);
  return {
    back: back === null ? null : meanImage(stepsOf(answer, back.open, back.end)),
    lateThink: first === null ? null : meanImage(stepsOf(answer, first.start, first.end).slice(-LATE_TOKENS)),
  };
}

/** What one side came to. */
export interface SideReading extends Phases {
  readonly status: Answer['status'];
  /** Content of the last box; null when there is none. */
  readonly boxed: string | null;
  /** Null while it is open or where the true answer is not known. */
  readonly right: boolean | null;
}

/** Reads one answer against the true one, where that is known. */
export function readSide(answer: Answer, truth: string | null): SideReading {
  const boxed = answer.result?.answer?.trim() || null;
  const right = truth === null || answer.status !== 'finished' ? null : boxed === truth;
  return { ...phasesOf(answer), status: answer.status, boxed, right };
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
