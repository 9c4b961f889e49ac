// Holds which steps of the answer the views show: the selection, what the pointer hovers, and what the shown steps attend
// to.

import { batch, computed, type ReadonlySignal, signal } from '@preact/signals';
import { type Attended, type Readout, readoutOf } from './attention_view';
import { backBands, type Card, layoutCards, type StepRange } from './segment_layout';
import * as select from './selection';
import { recordedSteps, type Session } from './session';

/** Attention of one step of an answer in a part of the model, in place of the mean that was recorded. */
export interface Inspected extends Attended {
  /** Number of the answer. */
  readonly answer: number;
  readonly step: number;
}

/** The steps that are shown. */
export interface LookSelection {
  readonly cards: ReadonlySignal<readonly Card[]>;
  readonly bands: ReadonlySignal<readonly StepRange[]>;
  readonly selection: ReadonlySignal<select.Selection>;
  /** What the pointer hovers; drawn like a selection while it lasts. */
  readonly preview: ReadonlySignal<StepRange | null>;
  /** Steps that every view shows: the preview, or else the selection. */
  readonly shown: ReadonlySignal<StepRange | null>;
  readonly readout: ReadonlySignal<Readout | null>;
  /** Whether the page itself selected what is selected, to show it, and nobody else. */
  readonly byPage: ReadonlySignal<boolean>;
  /** Selects steps for somebody to see, as the page does after an answer. */
  showStep(step: number): void;
  showCard(card: Card): void;
  pin(step: number): void;
  pinRange(from: number, to: number): void;
  pinCard(card: Card): void;
  moveStep(by: -1 | 1, extend: boolean): void;
  moveCard(by: -1 | 1): void;
  nextBack(): void;
  toLive(): void;
  setPreview(range: StepRange | null): void;
  /** Shows a part of the model wherever its step alone is shown; null shows what was recorded again. */
  inspect(inspected: Inspected | null): void;
}

/** Follows the newest step of the session's answer at first. */
export function createLookSelection(session: ReadonlySignal<Session>): LookSelection {
  const answer = computed(() => session.value.answer);
  const cards = computed<readonly Card[]>(() => (answer.value === null ? [] : layoutCards(answer.value)));
  const selection = signal<select.Selection>(select.LIVE);
  const preview = signal<StepRange | null>(null);
  const inspected = signal<Inspected | null>(null);
  const pageChose = signal<select.Selection | null>(null);
  const space = computed<select.SelectionSpace>(() => ({
    count: recordedSteps(answer.value),
    cards: cards.value,
  }));
  const shown = computed(() => {
    const { count } = space.value;
    const hover = preview.value;
    if (hover !== null && count > 0 && hover.from < count) {
      return { from: hover.from, to: Math.min(hover.to, count - 1) };
    }
    return select.resolve(selection.value, space.value);
  });
  const readout = computed<Readout | null>(() => {
    if (answer.value === null || shown.value === null) return null;
    const { from, to } = shown.value;
    const own = inspected.value;
    const applies = own?.answer === answer.value.number && own.step === from && own.step === to;
    return readoutOf(answer.value, cards.value, shown.value, applies ? own : null);
  });
  const set = (chosen: select.Selection) =>
    batch(() => {
      selection.value = chosen;
      preview.value = null;
    });
  const show = (chosen: select.Selection) =>
    batch(() => {
      pageChose.value = chosen;
      set(chosen);
    });
  return {
    ...{ cards, selection, preview, shown, readout },
    bands: computed<readonly StepRange[]>(() => backBands(cards.value)),
    byPage: computed(() => selection.value === pageChose.value),
    showStep: (step) => show(select.pinStep(step, space.value)),
    showCard: (card) => show(select.pinCard(card, space.value)),
    pin: (step) => set(select.pinStep(step, space.value)),
    pinRange: (from, to) => set(select.pinRange(from, to, space.value)),
    pinCard: (card) => set(select.pinCard(card, space.value)),
    moveStep: (by, extend) =>
      set((extend ? select.extendStep : select.moveStep)(selection.value, by, space.value)),
    moveCard: (by) => set(select.moveCard(selection.value, by, space.value)),
    nextBack: () => set(select.nextBack(selection.value, space.value)),
    toLive: () => set(select.LIVE),
    setPreview: (range) => {
      preview.value = range;
    },
    inspect: (own) => {
      inspected.value = own;
    },
  };
}
