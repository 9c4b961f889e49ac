// Samples of pocket's world: a picture, a question about it, the answer, and the oracle's texts, by seed.
// (split, seed, index) determines a sample completely, and the splits share no picture.

import { createPrng, mix32, type Prng } from '../../lib/prng';
import {
  COLOUR_WORDS,
  type ColourShares,
  type ColourWord,
  cellShares,
  DELTA,
  dominantWord,
  margin,
} from './colour_words';
import { GRID_SIDE, IMAGE_SIDE, type Line } from './grid';
import { type OracleTexts, oracleTexts } from './oracle';
import { type Photograph, renderPhotograph } from './photograph';
import {
  answerOf,
  countMatches,
  countsOf,
  LARGEST_NUMBER,
  type Operation,
  type PictureFacts,
  type Question,
  type QuestionKind,
  runningValues,
  type Selector,
} from './question';
import { canonicalKey, drawSheet, renderSheet, type Sheet, shuffle } from './sheet';
import { wordQuestion } from './wording';
import { COLOURS, type Colour, SHAPES, type Shape } from './world_words';

/**
 * `test` holds sheets and `photographs` generated photographs, both for testing only; `heldout` asks about sheets for
 * colour and shape pairs that no other split asks for; `train` and `validation` hold both kinds of picture.
 */
export const SPLITS = ['train', 'validation', 'test', 'heldout', 'photographs'] as const;
/** One of {@link SPLITS}. */
export type Split = (typeof SPLITS)[number];

/** Pairs that only the `heldout` split asks for; such objects lie in the pictures of every split. */
export const HELDOUT_PAIRS: readonly { readonly colour: Colour; readonly shape: Shape }[] = [
  { colour: 'yellow', shape: 'triangle' },
  { colour: 'green', shape: 'circle' },
  { colour: 'pink', shape: 'star' },
  { colour: 'blue', shape: 'ring' },
];

/** What to draw. */
export interface SampleRequest {
  readonly split: Split;
  readonly seed: number;
  readonly index: number;
  /** Chance that the question ignores the picture (kind `text`); default 0. */
  readonly textShare?: number;
  /** Chance of a photograph; default 0.5 for `train` and `validation`, 1 for `photographs`, 0 for the others. */
  readonly photographShare?: number;
  /** Chance that a sheet holds more than 9 objects; default 0.1. */
  readonly crowds?: number;
  /** Least |margin| of every cell of a photograph for the asked word; default by split, see {@link DELTA}. */
  readonly delta?: number;
  /** Kinds of visual questions, one of them taken with equal chances; default {@link VISUAL_KINDS}. */
  readonly kinds?: readonly QuestionKind[];
}

/** One picture with one question. */
export interface WorldSample {
  readonly id: string;
  readonly picture: Sheet | Photograph;
  readonly facts: PictureFacts;
  readonly question: Question;
  readonly kind: QuestionKind;
  /** Name of the wording of the question. */
  readonly wording: string;
  /** Numbers of cells that the question is about; empty for kind `text`. */
  readonly counts: readonly number[];
  /** Least |margin| of a cell for the asked word; null on sheets and for kind `text`. */
  readonly clearness: number | null;
  /** The question in plain English. */
  readonly text: string;
  /** What belongs into `\boxed{}`. */
  readonly answer: string;
  readonly oracle: OracleTexts;
  /** The picture: RGB bytes [64, 64, 3]. The caller may keep but not change them. */
  image(): Uint8Array;
}

/** FNV-1a over the characters, then mixed: the hash that deals pictures out to splits. */
function hashKey(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return mix32(hash);
}

/**
 * The split that a picture belongs to, by canonical sheet or by seed: 90 % train, 3 % validation; of the rest, sheets 4 %
 * test and 3 % heldout, photographs 7 % photographs.
 */
export function splitOf(picture: Sheet | Photograph): Split {
  const bucket = hashKey(picture.kind === 'sheet' ? canonicalKey(picture) : `${picture.seed}`) % 100;
  if (bucket < 90) return 'train';
  if (bucket < 93) return 'validation';
  if (picture.kind === 'photograph') return 'photographs';
  return bucket < 97 ? 'test' : 'heldout';
}

/** True for the colour and shape pairs of {@link HELDOUT_PAIRS}. */
export function isHeldoutSelector(selector: Selector): boolean {
  return HELDOUT_PAIRS.some((p) => p.colour === selector.colour && p.shape === selector.shape);
}

/** A picture with what is known of it. */
interface Subject {
  readonly picture: Sheet | Photograph;
  readonly facts: PictureFacts;
  readonly image: () => Uint8Array;
  /** Shares of each cell; a photograph's only. */
  readonly shares: readonly ColourShares[] | null;
}

function sheetFacts(sheet: Sheet): PictureFacts {
  const cells = Array.from({ length: GRID_SIDE ** 2 }, (_, cell) => {
    const object = sheet.objects.find((o) => o.cell === cell);
    return object === undefined ? null : { colour: object.colour, shape: object.shape };
  });
  return { kind: 'sheet', cells };
}

function presentHeldoutPairs(sheet: Sheet): Selector[] {
  return HELDOUT_PAIRS.filter((pair) =>
    sheet.objects.some((o) => o.colour === pair.colour && o.shape === pair.shape),
  ).map((pair) => ({ target: 'objects', ...pair }));
}

/** A sheet of the split; for `heldout`, 85 % hold an object of a pair to ask for. */
function drawSheetOf({ split, crowds }: SampleRequest, prng: Prng): Subject {
  const wantsPair = split === 'heldout' && prng.nextFloat() < 0.85;
  for (;;) {
    const sheet = drawSheet(prng, crowds);
    if (splitOf(sheet) !== split) continue;
    if (wantsPair && presentHeldoutPairs(sheet).length === 0) continue;
    return { picture: sheet, facts: sheetFacts(sheet), image: () => renderSheet(sheet), shares: null };
  }
}

/** What a photograph shows, from its pixels: RGB bytes [64, 64, 3]. */
export function photographFacts(shares: readonly ColourShares[]): PictureFacts {
  return { kind: 'photograph', cells: shares.map((cell) => ({ colour: dominantWord(cell) })) };
}

/** Words for which no cell of the picture is unclear, with the number of cells that they are the word of. */
export function clearWords(
  shares: readonly ColourShares[],
  delta: number,
): { readonly word: ColourWord; readonly count: number }[] {
  return COLOUR_WORDS.flatMap((word) => {
    const margins = shares.map((cell) => margin(cell, word));
    if (margins.some((m) => Math.abs(m) < delta)) return [];
    return [{ word, count: margins.filter((m) => m > 0).length }];
  });
}

/** A photograph of the split in which a word is clear; in 85 % of cases one that is present but not everywhere. */
function drawPhotographOf(split: Split, delta: number, prng: Prng): Subject {
  const wantsPresent = prng.nextFloat() < 0.85;
  const most = prng.nextFloat() < 0.8 ? 7 : 15;
  for (;;) {
    const picture: Photograph = { kind: 'photograph', seed: prng.nextU32() };
    if (splitOf(picture) !== split) continue;
    const pixels = renderPhotograph(picture);
    const shares = cellShares(pixels, IMAGE_SIDE, GRID_SIDE);
    const clear = clearWords(shares, delta);
    const serves = wantsPresent ? clear.some(({ count }) => count >= 1 && count <= most) : clear.length > 0;
    if (serves) return { picture, facts: photographFacts(shares), image: () => pixels, shares };
  }
}

function pick<T>(items: readonly T[], prng: Prng): T {
  return items[prng.nextInt(items.length)] as T;
}

/** Colour only (45 %), shape only (25 %) or both (30 %), from a present object in 85 % of cases. */
function drawSheetSelector(sheet: Sheet, split: Split, prng: Prng): Selector {
  if (split === 'heldout') {
    const inSheet = presentHeldoutPairs(sheet);
    const absent: Selector[] = HELDOUT_PAIRS.map((pair) => ({ target: 'objects', ...pair }));
    return pick(inSheet.length > 0 ? inSheet : absent, prng);
  }
  const present = prng.nextFloat() < 0.85;
  for (;;) {
    const form = prng.nextFloat();
    const { colour, shape } = present
      ? pick(sheet.objects, prng)
      : { colour: pick(COLOURS, prng), shape: pick(SHAPES, prng) };
    const selector: Selector = {
      target: 'objects',
      ...(form < 0.45 ? { colour } : form < 0.7 ? { shape } : { colour, shape }),
    };
    if (!isHeldoutSelector(selector)) return selector;
  }
}

/** A word that is clear in the photograph: present in 85 % of cases where there is one, and seldom everywhere. */
function drawCellSelector(shares: readonly ColourShares[], delta: number, prng: Prng): Selector {
  const clear = clearWords(shares, delta);
  const some = clear.filter(({ count }) => count >= 1 && count <= 7);
  const present = clear.filter(({ count }) => count >= 1);
  const roll = prng.nextFloat();
  const from = roll < 0.75 && some.length > 0 ? some : roll < 0.85 && present.length > 0 ? present : clear;
  return { target: 'cells', colour: pick(from, prng).word };
}

/** Up to `most` operations that keep the value within 0 to 40. */
function drawOperations(value: number, count: number, prng: Prng): Operation[] {
  const operations: Operation[] = [];
  let running = value;
  for (let i = 0; i < count; i++) {
    const subtract = running > 30 || (running >= 4 && prng.nextFloat() < 0.5);
    const amount = 1 + prng.nextInt(subtract ? Math.min(9, running - 2) : 9);
    operations.push({ verb: subtract ? 'subtract' : 'add', amount });
    running += subtract ? -amount : amount;
  }
  return operations;
}

/** Two rows or two columns, in either order; mostly such that one has more. */
function drawLines(facts: PictureFacts, selector: Selector, prng: Prng): [Line, Line] {
  const wantsDifference = prng.nextFloat() < 0.85;
  for (let attempt = 0; ; attempt++) {
    const axis = prng.nextFloat() < 0.5 ? 'row' : 'column';
    const [first = 0, second = 0] = shuffle([...Array(GRID_SIDE).keys()], prng);
    const lines: [Line, Line] = [
      { axis, index: first },
      { axis, index: second },
    ];
    const [p, q] = lines.map((line) => countMatches(facts, selector, line));
    if (!wantsDifference || p !== q || attempt === 6) return lines;
  }
}

/** Of ten visual questions, four count, two each take and plus, one compares, one asks whether there is any. */
export const VISUAL_KINDS = [
  'count',
  'count',
  'count',
  'count',
  'take',
  'take',
  'plus',
  'plus',
  'compare',
  'any',
] as const satisfies readonly QuestionKind[];

/** What a number that a count is taken from exceeds that count by, at most: people start from twenty as from five. */
const MOST_LEFT = 20;

/** A question about the picture. */
function drawQuestion(subject: Subject, request: SampleRequest, delta: number, prng: Prng): Question {
  if (prng.nextFloat() < (request.textShare ?? 0)) {
    const start = prng.nextInt(21);
    return { kind: 'text', start, operations: drawOperations(start, 1 + prng.nextInt(4), prng) };
  }
  const { picture, facts, shares } = subject;
  const selector =
    picture.kind === 'sheet'
      ? drawSheetSelector(picture, request.split, prng)
      : drawCellSelector(shares as readonly ColourShares[], delta, prng);
  const kind = pick(request.kinds ?? VISUAL_KINDS, prng);
  const base = { kind, selector, start: 0, operations: [] };
  if (kind === 'any') return base;
  if (kind === 'compare') return { ...base, lines: drawLines(facts, selector, prng) };
  const count = countMatches(facts, selector);
  const start =
    kind === 'take' ? count + prng.nextInt(MOST_LEFT + 1) : kind === 'plus' ? prng.nextInt(10) : 0;
  const first = kind === 'take' ? start - count : start + count;
  const amount = prng.nextFloat() < 0.25 ? 0 : 1 + prng.nextInt(3);
  return { ...base, start, operations: drawOperations(first, amount, prng) };
}

function clearnessOf({ shares }: Subject, { selector }: Question): number | null {
  if (shares === null || selector?.colour === undefined) return null;
  const word = selector.colour;
  return Math.min(...shares.map((cell) => Math.abs(margin(cell, word))));
}

function drawSubject(request: SampleRequest, delta: number, prng: Prng): Subject {
  const { split } = request;
  const usual = split === 'photographs' ? 1 : split === 'train' || split === 'validation' ? 0.5 : 0;
  if (prng.nextFloat() < (request.photographShare ?? usual)) return drawPhotographOf(split, delta, prng);
  return drawSheetOf(request, prng);
}

/** Draws the sample that (split, seed, index) names. Pure: any order, any subset, the same samples. */
export function drawSample(request: SampleRequest): WorldSample {
  const { split, seed, index } = request;
  const prng = createPrng(0x5ba9e6, seed, SPLITS.indexOf(split), index);
  const trains = split === 'train' || split === 'validation';
  const delta = request.delta ?? (trains ? DELTA.train : DELTA.test);
  const subject = drawSubject(request, delta, prng);
  const { picture, facts, image } = subject;
  const question = drawQuestion(subject, request, delta, prng);
  const counts = countsOf(facts, question);
  if (runningValues(question, counts).some((value) => value < 0 || value > LARGEST_NUMBER)) {
    throw new Error(`sample ${split} ${seed} ${index} leaves the numbers of the world`);
  }
  return {
    id: `${split}-${seed}-${index}`,
    picture,
    facts,
    question,
    kind: question.kind,
    ...wordQuestion(question, prng),
    counts,
    clearness: clearnessOf(subject, question),
    answer: answerOf(question, counts),
    oracle: oracleTexts(facts, question),
    image,
  };
}
