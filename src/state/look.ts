// Puts the state of the Look page together out of small stores, each with what changes together, and hands them what the
// engine reports. `session` changes only by events and by the stores' commands; views never write a signal directly.

import { batch, type ReadonlySignal, signal } from '@preact/signals';
import type { EngineClient } from '../worker/client';
import type { KeptText } from './kept_plan';
import { createLookAdapter, type LookAdapter } from './look_adapter';
import { createLookAnswer, type LookAnswer } from './look_answer';
import { createLookHistory, type LookHistory } from './look_history';
import { createLookModel, type LookModel } from './look_model';
import { createLookPicture, type LookPicture, type PictureReader } from './look_picture';
import { createLookRegion, type LookRegion } from './look_region';
import { createLookReplay, type LookReplay } from './look_replay';
import { createLookSelection, type LookSelection } from './look_selection';
import { createReadingPace, type ReadingPace } from './reading_pace';
import { EMPTY_SESSION, reduceSession, type Session } from './session';

/** What the page provides: a clock, and a decoder for pictures that passed the check of their header. */
export interface PageServices extends PictureReader {
  /** Monotonic milliseconds. */
  now(): number;
  /** Calls back about every frame with monotonic milliseconds until the returned function is called. */
  everyFrame(callback: (now: number) => void): () => void;
  /** Whether somebody wants no motion. */
  still(): boolean;
  /** Whether live answers are shown at reading speed. */
  readonly keptPace: KeptText;
}

/** The state of the Look page and its commands. Commands never throw: failures become `session.error` or `pictureError`. */
export interface Look
  extends LookModel,
    LookPicture,
    LookAdapter,
    LookAnswer,
    LookSelection,
    LookReplay,
    LookHistory,
    LookRegion,
    Pick<ReadingPace, 'paced' | 'setPaced'> {
  readonly session: ReadonlySignal<Session>;
}

/** Makes the state of one Look page over an engine's client. */
export function createLook(client: EngineClient, page: PageServices): Look {
  const session = signal<Session>(EMPTY_SESSION);
  const target = createLookAdapter();
  const { take: takeModel, ...model } = createLookModel(client, session, target);
  const next = createLookPicture(page, session);
  const steps = createLookSelection(session);
  const pace = createReadingPace({
    kept: page.keptPace,
    everyFrame: (callback) => page.everyFrame(callback),
    apply: (events) => {
      session.value = reduceSession(session.value, events);
    },
  });
  const parts = { pace, client, now: () => page.now(), session, model, next, target, steps };
  const { take: takeAnswer, ...answer } = createLookAnswer(parts);
  const everyFrame = (callback: (now: number) => void) => page.everyFrame(callback);
  const replay = createLookReplay({
    everyFrame,
    reader: page,
    session,
    answer,
    target,
    steps,
    still: () => page.still(),
  });
  const history = createLookHistory({ session, answer, next, target, steps });
  client.listen((events) => {
    batch(() => {
      pace.take(events);
      takeAnswer(events);
      takeModel(events);
    });
  });
  return {
    session,
    ...model,
    ...next,
    ...target,
    ...answer,
    ...steps,
    ...replay,
    ...createLookRegion(session),
    ...history,
    paced: pace.paced,
    setPaced: (on) => pace.setPaced(on),
  };
}
