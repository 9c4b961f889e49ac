// Holds the picture and the question that are asked next: checks and decodes a chosen picture, finds the questions that
// suit it, and answers them where the picture is known.

import { batch, type ReadonlySignal, signal } from '@preact/signals';
import type { ColourWord } from '../data/world/colour_words';
import type { PictureFacts } from '../data/world/question';
import { DataError } from '../lib/errors';
import { type PlainError, plainError } from '../lib/plain_error';
import type { LoadedModel } from '../worker/protocol/engine';
import type { Session } from './session';

/** What reads pictures: the browser, after the check of their header. */
export interface PictureReader {
  /** Decodes for display, scaled down; rejects when the browser cannot read the file. */
  decode(blob: Blob): Promise<ImageBitmap>;
  /** What pocket sees of a picture's middle square; null where its pixels cannot be read. */
  seenCells(bitmap: ImageBitmap): Promise<SeenCells | null>;
}

/** A picture as pocket sees it: the colour word of each cell in raster order, null where none is clear, and questions. */
export interface SeenCells {
  readonly words: readonly (ColourWord | null)[];
  readonly questions: readonly string[];
}

/** A question that suits a picture; its answer is known where the picture was drawn by us. */
export interface KnownQuestion {
  readonly text: string;
  readonly answer: string | null;
}

/** Questions that suit a model, too: suggestions by colours are for models that see cells, those with an answer for all. */
export function suitedQuestions(
  questions: readonly KnownQuestion[],
  model: Pick<LoadedModel, 'square'> | null,
): readonly KnownQuestion[] {
  return questions.filter(({ answer }) => answer !== null || model === null || model.square);
}

/** What comes with a picture that somebody drew: questions with their answers, and what lies where. */
export interface KnownPicture {
  readonly questions: readonly KnownQuestion[];
  readonly facts: PictureFacts | null;
}

const NOTHING_KNOWN: KnownPicture = { questions: [], facts: null };

/** A picture that was chosen, checked and decoded for display. */
export interface Picture {
  /** Its own for each choice of a picture: names it to the engine, whose result names it back. */
  readonly id: string;
  readonly blob: Blob;
  readonly name: string;
  readonly bitmap: ImageBitmap;
  /** Questions that suit the picture: those that came with it, else suggestions by its colours. */
  readonly questions: readonly KnownQuestion[];
  readonly seen: SeenCells | null;
  /** The true answer of a question about it; null where nobody knows. */
  trueAnswer(question: string): string | null;
}

/** What is asked next. */
export interface LookPicture {
  readonly picture: ReadonlySignal<Picture | null>;
  readonly pictureError: ReadonlySignal<PlainError | null>;
  readonly question: ReadonlySignal<string>;
  /**
   * Takes a picture, or one that is still being fetched, and its first question: a question of one's own stays, one that
   * came with the picture before goes with it.
   */
  choosePicture(source: Blob | Promise<Blob>, name: string, known?: KnownPicture): Promise<void>;
  setQuestion(text: string): void;
}

async function decode(reader: PictureReader, blob: Blob, name: string): Promise<ImageBitmap> {
  try {
    return await reader.decode(blob);
  } catch (cause) {
    const message = `${name} is not a picture that this browser can read: choose a PNG, JPEG, WebP or GIF.`;
    throw new DataError('data/image', message, { name }, cause);
  }
}

/** Answers questions about a picture by what came with it; of a drawn sheet, any question that can be read. */
async function answersOf({ questions, facts }: KnownPicture): Promise<Picture['trueAnswer']> {
  const listed = (question: string) => questions.find(({ text }) => text === question)?.answer ?? null;
  if (facts === null) return listed;
  const { answerAbout } = await import('../data/world/question_reader');
  return (question) => listed(question) ?? answerAbout(question, facts);
}

async function readPicture(
  reader: PictureReader,
  source: Blob | Promise<Blob>,
  name: string,
  known: KnownPicture,
): Promise<Omit<Picture, 'id'>> {
  const blob = await source;
  // Fetched with the first picture: the page is there before anything is chosen.
  const { requirePicture } = await import('../data/image/picture_check');
  await requirePicture(blob, name);
  const bitmap = await decode(reader, blob, name);
  const seen = await reader.seenCells(bitmap);
  const suggested = seen?.questions.map((text) => ({ text, answer: null })) ?? [];
  const questions = known.questions.length > 0 ? known.questions : suggested;
  return { blob, name, bitmap, questions, seen, trueAnswer: await answersOf(known) };
}

/** No picture and no question at first. */
export function createLookPicture(
  reader: PictureReader,
  session: ReadonlySignal<Pick<Session, 'model'>>,
): LookPicture {
  const picture = signal<Picture | null>(null);
  const pictureError = signal<PlainError | null>(null);
  const question = signal('');
  // Counts the pictures, so that a late outcome of an earlier one changes nothing.
  let choices = 0;
  return {
    picture,
    pictureError,
    question,
    choosePicture: async (source, name, known = NOTHING_KNOWN) => {
      choices += 1;
      const choice = choices;
      try {
        const read = await readPicture(reader, source, name, known);
        if (choice !== choices) return;
        batch(() => {
          const before = picture.value?.questions.map(({ text }) => text) ?? [];
          const [first] = suitedQuestions(read.questions, session.value.model);
          if (['', ...before].includes(question.value.trim())) question.value = first?.text ?? '';
          picture.value = { id: `picture ${choice}`, ...read };
          pictureError.value = null;
        });
      } catch (thrown) {
        if (choice === choices) pictureError.value = plainError(thrown);
      }
    },
    setQuestion: (text) => {
      question.value = text;
    },
  };
}
