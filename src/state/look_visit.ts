// Shows the look of an answer that is complete: its steps one after another, so that the cells they attend to are seen on
// the picture one by one, then the whole look, selected. It ends when somebody picks other steps.

import type { LookSelection } from './look_selection';

/** Steps of a look that are shown in a second. */
const LOOK_SPEED = 8;
/** The longest that a tab in the background lets a frame last, in milliseconds: it goes on where it was. */
const LONGEST_FRAME = 1000;

/** What a visit drives. */
export interface VisitParts {
  readonly steps: Pick<LookSelection, 'cards' | 'selection' | 'showStep' | 'showCard'>;
  /** Calls back about every frame with monotonic milliseconds until the returned function is called. */
  everyFrame(callback: (now: number) => void): () => void;
  /** False once something else took the answer's place. */
  current(): boolean;
}

/**
 * Counts up from `first`, `speed` in a second, and calls `act` each frame until it returns false; returns how to end it
 * before.
 */
export function countFrames(
  { everyFrame }: Pick<VisitParts, 'everyFrame'>,
  first: number,
  speed: () => number,
  act: (count: number) => boolean,
): () => void {
  let before: number | null = null;
  let count = first;
  const stop = everyFrame((now) => {
    count += (speed() * Math.min(now - (before ?? now), LONGEST_FRAME)) / 1000;
    before = now;
    if (!act(Math.floor(count))) stop();
  });
  return stop;
}

/** The first look of the answer on show, selected; nothing where it has none. */
export function selectLook({ steps }: Pick<VisitParts, 'steps'>): void {
  const look = steps.cards.value.find(({ kind }) => kind === 'back');
  if (look !== undefined) steps.showCard(look);
}

/** Visits the first look of the answer on show; calls `ended` once it is over, at once where there is none. */
export function visitLook(parts: VisitParts, ended: () => void): () => void {
  const { steps } = parts;
  const look = steps.cards.value.find(({ kind }) => kind === 'back');
  if (look === undefined) {
    ended();
    return () => undefined;
  }
  let mine = steps.selection.value;
  const over = (): false => {
    ended();
    return false;
  };
  return countFrames(
    parts,
    look.fromStep,
    () => LOOK_SPEED,
    (step) => {
      // Somebody picked other steps, which is what they want to see.
      if (!parts.current() || steps.selection.value !== mine) return over();
      if (step >= look.toStep) {
        steps.showCard(look);
        return over();
      }
      if (mine.kind === 'step' && mine.step === step) return true;
      steps.showStep(step);
      mine = steps.selection.value;
      return true;
    },
  );
}
