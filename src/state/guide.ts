// Follows how far somebody has come with the four steps of the guide. A step is done by what the page itself sees happen,
// and stays done on later visits.

import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { KeptText } from './kept_plan';
import type { Look } from './look';

/** The steps in their order. */
export const GUIDE_STEPS = ['watch', 'pick', 'ask', 'teach'] as const;
/** One of {@link GUIDE_STEPS}. */
export type GuideStep = (typeof GUIDE_STEPS)[number];

/** How far somebody has come. */
export interface Guide {
  readonly done: ReadonlySignal<ReadonlySet<GuideStep>>;
  /** The first step that is not done; null after the last. */
  readonly next: ReadonlySignal<GuideStep | null>;
  /** Ends following; what is done stays kept. */
  stop(): void;
}

/** What of the Look page shows that a step is done. */
export type Followed = Pick<Look, 'session' | 'cards' | 'selection' | 'byPage'>;

/** Whether what the page shows right now is the doing of a step. */
function doing(step: GuideStep, { session, cards, selection, byPage }: Followed): boolean {
  const { answer, training } = session.value;
  switch (step) {
    case 'watch':
      return answer?.status === 'finished' && cards.value.some(({ kind }) => kind === 'back');
    case 'pick':
      return selection.value.kind === 'step' && !byPage.value;
    case 'ask':
      return answer?.status === 'finished' && !answer.recorded;
    case 'teach':
      return training !== null && training.state !== 'failed';
  }
}

function stepsIn(text: string | null): GuideStep[] {
  const names = (text ?? '').split(' ');
  return GUIDE_STEPS.filter((step) => names.includes(step));
}

/** Follows a Look page; `kept` remembers what is done. */
export function createGuide(look: Followed, kept: KeptText): Guide {
  const done = signal<ReadonlySet<GuideStep>>(new Set(stepsIn(kept.read())));
  const stop = effect(() => {
    const now = GUIDE_STEPS.filter((step) => !done.value.has(step) && doing(step, look));
    if (now.length === 0) return;
    done.value = new Set([...done.value, ...now]);
    kept.write([...done.value].join(' '));
  });
  return {
    done,
    next: computed(() => GUIDE_STEPS.find((step) => !done.value.has(step)) ?? null),
    stop,
  };
}
