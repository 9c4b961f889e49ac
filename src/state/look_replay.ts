// Holds the answer that is played again: a recorded one from a trace, or the one that was given last.

import {
  batch,
  computed,
  effect,
  type ReadonlySignal,
  type Signal,
  signal,
  untracked,
} from '@preact/signals';
import { type PlainError, plainError } from '../lib/plain_error';
import type { Comparison } from './compare';
import type { LookAdapter } from './look_adapter';
import type { LookAnswer } from './look_answer';
import type { Picture, PictureReader } from './look_picture';
import type { LookSelection } from './look_selection';
import { selectLook, visitLook } from './look_visit';
import type { Replay, ReplayParts } from './replay';
import { type Answer, isOpen, type Session } from './session';
import type { TracePicture } from './trace';

/** Where a replay begins: played from its first token, or shown whole. */
export type ReplayStart = 'playing' | 'whole';

/** Replays on the Look page. */
export interface LookReplay {
  /** The replay on show; null once something else was asked. */
  readonly replay: ReadonlySignal<Replay | null>;
  /** Why the last trace could not be opened. */
  readonly traceError: ReadonlySignal<PlainError | null>;
  /** Opens a trace, or a comparison of two, in place of the answer on show; nothing happens if a question was asked meanwhile. */
  openTrace(source: Blob | Promise<Blob>, name: string, start: ReplayStart): Promise<void>;
  /** Plays the finished answer on show once more, at reading speed. */
  replayAnswer(): Promise<void>;
  /** The finished answer on show as a trace file, or both of a comparison; null without one. */
  saveTrace(): Promise<Blob | null>;
}

/** What replays take of the page. */
export interface ReplayingParts extends Pick<ReplayParts, 'everyFrame'> {
  readonly reader: PictureReader;
  readonly session: Signal<Session>;
  readonly answer: Pick<LookAnswer, 'answerPictures' | 'comparison' | 'showAnswer'>;
  readonly target: Pick<LookAdapter, 'setComparing' | 'showBoth'>;
  readonly steps: Pick<LookSelection, 'cards' | 'selection' | 'showStep' | 'showCard' | 'toLive'>;
  /** Whether somebody wants no motion. */
  still(): boolean;
}

/** Ends each live answer on its look, as replays end: nothing where somebody picked steps while it was written. */
function endOnLook({ session, steps, everyFrame, still }: ReplayingParts): void {
  let open: number | null = null;
  effect(() => {
    const { answer } = session.value;
    if (answer === null || isOpen(answer)) {
      open = answer?.number ?? null;
      return;
    }
    const ended = answer.status === 'finished' && answer.number === open && !answer.recorded;
    open = null;
    if (!ended) return;
    untracked(() => {
      if (steps.selection.value.kind !== 'live') return;
      const current = () => session.value.answer === answer;
      if (still()) selectLook({ steps });
      else visitLook({ steps, everyFrame, current }, () => undefined);
    });
  });
}

async function pictureOf(
  reader: PictureReader,
  { blob, name }: TracePicture,
  answer: Answer,
): Promise<Picture> {
  const { requirePicture } = await import('../data/image/picture_check');
  await requirePicture(blob, name);
  const bitmap = await reader.decode(blob);
  const { question, expected } = answer.asked;
  const trueAnswer = (asked: string) => (asked === question ? expected : null);
  return { id: '', blob, name, bitmap, questions: [], seen: null, trueAnswer };
}

/** The file of a finished answer, or of both of a comparison; null without one. */
async function saveTrace(
  shown: Answer | null,
  { answerPictures, comparison }: Pick<LookAnswer, 'answerPictures' | 'comparison'>,
): Promise<Blob | null> {
  if (shown?.status !== 'finished') return null;
  const pictures = answerPictures.value;
  const pair = comparison.value;
  if (pair?.base?.status === 'finished' && pair.adapter?.status === 'finished') {
    return (await import('./trace_pair')).writeTracePair(pair, pictures);
  }
  return (await import('./trace')).writeTrace({ answer: shown, pictures });
}

/** No replay at first. */
export function createLookReplay(parts: ReplayingParts): LookReplay {
  const { session, answer, target, steps, everyFrame, reader } = parts;
  const last = signal<Replay | null>(null);
  const traceError = signal<PlainError | null>(null);
  endOnLook(parts);
  const begin = async (whole: Answer, pictures: readonly Picture[], start: ReplayStart): Promise<void> => {
    const { createReplay } = await import('./replay');
    last.value?.pause();
    const made = createReplay(whole, pictures, { session, answer, steps, everyFrame });
    last.value = made;
    target.setComparing(false);
    if (start === 'playing') made.play();
    else made.finish();
  };
  const showPair = (shown: Answer, pictures: readonly Picture[], comparison: Comparison): void => {
    last.value?.pause();
    batch(() => {
      answer.showAnswer(shown, pictures, comparison);
      target.showBoth();
      steps.toLive();
    });
    selectLook({ steps });
  };
  const replay = computed(() => {
    const { answer: shown } = session.value;
    const isOwn = shown !== null && (shown === last.value?.answer || shown.status === 'replaying');
    return isOwn ? last.value : null;
  });
  return {
    replay,
    traceError,
    openTrace: async (source, name, start) => {
      const before = session.value.answer;
      try {
        traceError.value = null;
        const { readTraceOrPair } = await import('./trace_pair');
        const trace = await readTraceOrPair(await source, name);
        const pictures = await Promise.all(trace.pictures.map((one) => pictureOf(reader, one, trace.answer)));
        if (session.value.answer !== before) return;
        if (trace.comparison === null) await begin(trace.answer, pictures, start);
        else showPair(trace.answer, pictures, trace.comparison);
      } catch (thrown) {
        traceError.value = plainError(thrown);
      }
    },
    replayAnswer: async () => {
      const { answer: shown } = session.value;
      if (shown?.status === 'finished') await begin(shown, answer.answerPictures.value, 'playing');
    },
    saveTrace: () => saveTrace(session.value.answer, answer),
  };
}
