// Keeps the answers of this visit, with their pictures, so that each can be shown again as it was: a limited number of them
// within a limited room, the oldest ones given up first.

import { batch, effect, type ReadonlySignal, type Signal, signal, untracked } from '@preact/signals';
import type { Comparison } from './compare';
import type { LookAdapter } from './look_adapter';
import type { LookAnswer } from './look_answer';
import type { LookPicture, Picture } from './look_picture';
import type { LookSelection } from './look_selection';
import { selectLook } from './look_visit';
import { type Answer, isOpen, type Session } from './session';

/** Most answers that are kept. */
export const MOST_KEPT = 24;
/** Most bytes that they take together: steps with their maps, pictures with their pixels. */
export const MOST_BYTES = 128 * 2 ** 20;
/** Bytes of a step beside its map: numbers, text and the object itself, roughly. */
const STEP_BYTES = 200;

/** A question of this visit. */
export interface Kept {
  readonly answer: Answer;
  readonly pictures: readonly Picture[];
  /** Both answers where base and adapter were compared; `answer` is the one of the adapter then. */
  readonly comparison: Comparison | null;
}

/** The questions of this visit. */
export interface LookHistory {
  /** The oldest first. */
  readonly history: ReadonlySignal<readonly Kept[]>;
  /** What was cleared last and can be brought back; empty once another answer was given. */
  readonly cleared: ReadonlySignal<readonly Kept[]>;
  /** Shows one again, with its pictures and its question chosen; nothing while an answer is under way. */
  bringBack(kept: Kept): void;
  clearHistory(): void;
  undoClear(): void;
}

function answersOf({ answer, comparison }: Kept): Answer[] {
  return comparison === null ? [answer] : [comparison.base, comparison.adapter].filter((one) => one !== null);
}

/** Bytes of some questions; a picture that several of them are about counts once. */
export function bytesOf(list: readonly Kept[]): number {
  const pictures = new Set(list.flatMap((kept) => kept.pictures));
  const ofSteps = list
    .flatMap(answersOf)
    .flatMap(({ steps }) => steps)
    .reduce((sum, { map }) => sum + STEP_BYTES + (map?.byteLength ?? 0), 0);
  return [...pictures].reduce(
    (sum, { blob, bitmap }) => sum + blob.size + 4 * bitmap.width * bitmap.height,
    ofSteps,
  );
}

/** The newest questions that number and room allow; the last one always. */
export function within(list: readonly Kept[]): readonly Kept[] {
  let first = Math.max(0, list.length - MOST_KEPT);
  while (first < list.length - 1 && bytesOf(list.slice(first)) > MOST_BYTES) first += 1;
  return list.slice(first);
}

/** The state that a history takes from and gives back to. */
export interface HistoryParts {
  readonly session: Signal<Session>;
  readonly answer: Pick<LookAnswer, 'answerPictures' | 'comparison' | 'showAnswer'>;
  readonly next: Pick<LookPicture, 'arrangePictures' | 'setQuestion'>;
  readonly target: Pick<LookAdapter, 'setComparing' | 'showBoth'>;
  readonly steps: Pick<LookSelection, 'cards' | 'selection' | 'toLive' | 'showStep' | 'showCard'>;
}

/** Nothing was asked at first. */
export function createLookHistory(parts: HistoryParts): LookHistory {
  const { session, answer, next, target, steps } = parts;
  const history = signal<readonly Kept[]>([]);
  const cleared = signal<readonly Kept[]>([]);
  let open: number | null = null;
  const keep = (closed: Answer): void => {
    const pair = answer.comparison.value;
    const both = pair !== null && pair.base !== null && pair.adapter !== null;
    const kept = { answer: closed, pictures: answer.answerPictures.value, comparison: both ? pair : null };
    // The first of two compared answers is a part of both.
    const others = history.value.filter((one) => !both || one.answer.number !== pair.base?.number);
    batch(() => {
      history.value = within([...others, kept]);
      cleared.value = [];
    });
  };
  effect(() => {
    const now = session.value.answer;
    if (now === null || isOpen(now)) {
      open = now?.number ?? null;
      return;
    }
    const ended = now.number === open && !now.recorded && now.steps.length > 0;
    open = null;
    if (ended) untracked(() => keep(now));
  });
  return {
    history,
    cleared,
    bringBack: ({ answer: shown, pictures, comparison }) => {
      if (isOpen(session.value.answer)) return;
      batch(() => {
        next.arrangePictures(pictures);
        next.setQuestion(shown.asked.question);
        answer.showAnswer(shown, pictures, comparison);
        if (comparison === null) target.setComparing(false);
        else target.showBoth();
        steps.toLive();
      });
      selectLook({ steps });
    },
    clearHistory: () =>
      batch(() => {
        cleared.value = history.value;
        history.value = [];
      }),
    undoClear: () =>
      batch(() => {
        history.value = within([...cleared.value, ...history.value]);
        cleared.value = [];
      }),
  };
}
