// Holds the pictures and the question that are asked next: checks and decodes chosen pictures, finds the questions that
// suit a single one, and answers them where the picture is known.

import { batch, computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { ColourWord } from '../data/world/colour_words';
import type { PictureFacts } from '../data/world/question';
import { type PlainError, plainError } from '../lib/plain_error';
import { MAX_PICTURES } from '../settings/generation_settings';
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

/**
 * Questions that suit a model, too: suggestions by colours are for models of the built-in world, those with an answer for
 * all. Of no model nothing is known.
 */
export function suitedQuestions(
  questions: readonly KnownQuestion[],
  model: Pick<LoadedModel, 'seesCells'> | null,
): readonly KnownQuestion[] {
  return questions.filter(({ answer }) => answer !== null || model?.seesCells === true);
}

/** What comes with a picture that somebody drew: questions with their answers, and what lies where. */
export interface KnownPicture {
  readonly questions: readonly KnownQuestion[];
  readonly facts: PictureFacts | null;
}

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

/** A picture to be chosen: its file, or one that is still being fetched, and what is known of it. */
export interface PictureChoice {
  readonly source: Blob | Promise<Blob>;
  readonly name: string;
  readonly known?: KnownPicture;
}

/** What is asked next. */
export interface LookPicture {
  /** In the order of `image 1`, `image 2`; empty at first. */
  readonly pictures: ReadonlySignal<readonly Picture[]>;
  /** The only picture; null where there is none or there are several. */
  readonly picture: ReadonlySignal<Picture | null>;
  /** Why a picture was not taken. */
  readonly pictureError: ReadonlySignal<PlainError | null>;
  readonly question: ReadonlySignal<string>;
  /** Whether the loaded model looks at as many pictures as are chosen. */
  readonly countFits: ReadonlySignal<boolean>;
  /**
   * Takes pictures in place of those before, or behind them: as many as the model looks at; of the others the error says so.
   * With a single picture comes its first question: a question of one's own stays, one that came with the pictures before
   * goes with them.
   */
  choosePictures(choices: readonly PictureChoice[], add?: boolean): Promise<void>;
  /** Chooses one picture in place of those before. */
  choosePicture(source: Blob | Promise<Blob>, name: string, known?: KnownPicture): Promise<void>;
  /** Resolves when every picture that was chosen before the call is read, or was not taken; null where none is being read. */
  picturesRead(): Promise<unknown> | null;
  /** Puts the chosen pictures into another order, or takes some out. */
  arrangePictures(pictures: readonly Picture[]): void;
  setQuestion(text: string): void;
}

class Choosing {
  readonly pictures = signal<readonly Picture[]>([]);
  readonly pictureError = signal<PlainError | null>(null);
  readonly question = signal('');
  readonly #reader: PictureReader;
  readonly #model: () => LoadedModel | null;
  /** Counts what takes the place of all pictures, so that a late outcome of an earlier choice changes nothing. */
  #choices = 0;
  #read = 0;
  readonly #underWay = new Set<Promise<void>>();

  constructor(reader: PictureReader, model: () => LoadedModel | null) {
    this.#reader = reader;
    this.#model = model;
  }

  choose(choices: readonly PictureChoice[], add: boolean): Promise<void> {
    const taking = this.#take(choices, add).finally(() => this.#underWay.delete(taking));
    this.#underWay.add(taking);
    return taking;
  }

  allRead(): Promise<unknown> | null {
    return this.#underWay.size === 0 ? null : Promise.allSettled(this.#underWay);
  }

  async #take(choices: readonly PictureChoice[], add: boolean): Promise<void> {
    if (!add) this.#choices += 1;
    const choice = this.#choices;
    // Fetched with the first picture: the page is there before anything is chosen.
    const { leftOut, readPicture } = await import('./picture_reading');
    const outcomes = await Promise.allSettled(choices.map((each) => readPicture(this.#reader, each)));
    if (choice !== this.#choices) return;
    const found = outcomes.flatMap((each): Picture[] => {
      if (each.status === 'rejected') return [];
      this.#read += 1;
      return [{ id: `picture ${this.#read}`, ...each.value }];
    });
    const failed = outcomes.find((each) => each.status === 'rejected');
    const error = failed === undefined ? null : plainError(failed.reason);
    const most = this.#model()?.maxPictures ?? MAX_PICTURES;
    const all = add ? [...this.pictures.value, ...found] : found;
    batch(() => {
      if (found.length > 0) this.arrange(all.slice(0, most));
      this.pictureError.value = error ?? leftOut(all.slice(most), most);
    });
  }

  arrange(pictures: readonly Picture[]): void {
    const before = this.pictures.value.flatMap(({ questions }) => questions.map(({ text }) => text));
    batch(() => {
      this.pictures.value = pictures;
      this.pictureError.value = null;
      this.#suggest(['', ...before]);
    });
  }

  /** Another model may not be asked what the one before was. */
  meetModel(model: LoadedModel): void {
    const offered = this.pictures.peek().flatMap(({ questions }) => questions);
    const suited = suitedQuestions(offered, model);
    this.#suggest(['', ...offered.filter((one) => !suited.includes(one)).map(({ text }) => text)]);
  }

  /** Puts the first question that suits in place of one that nobody typed. */
  #suggest(ours: readonly string[]): void {
    if (!ours.includes(this.question.peek().trim())) return;
    const [only, second] = this.pictures.peek();
    const questions = second === undefined ? (only?.questions ?? []) : [];
    this.question.value = suitedQuestions(questions, this.#model())[0]?.text ?? '';
  }
}

/** No picture and no question at first. */
export function createLookPicture(
  reader: PictureReader,
  session: ReadonlySignal<Pick<Session, 'model'>>,
): LookPicture {
  const choosing = new Choosing(reader, () => session.peek().model);
  const { pictures, pictureError, question } = choosing;
  const model = computed(() => session.value.model);
  effect(() => {
    if (model.value !== null) choosing.meetModel(model.value);
  });
  return {
    ...{ pictures, pictureError, question },
    picture: computed(() => (pictures.value.length === 1 ? (pictures.value[0] ?? null) : null)),
    countFits: computed(() => pictures.value.length <= (model.value?.maxPictures ?? MAX_PICTURES)),
    choosePictures: (choices, add = false) => choosing.choose(choices, add),
    choosePicture: (source, name, known) =>
      choosing.choose([{ source, name, ...(known === undefined ? {} : { known }) }], false),
    picturesRead: () => choosing.allRead(),
    arrangePictures: (arranged) => choosing.arrange(arranged),
    setQuestion: (text) => {
      question.value = text;
    },
  };
}
