// Draws samples of the shapes world by seed: a picture, a question about it, the answer, and the oracle's texts.
// (split, seed, index) determines a sample completely, and the splits share no canonical scene.

import { createPrng, mix32, type Prng } from '../../lib/prng';
import {
  COLOURS,
  type Colour,
  canonicalKey,
  drawScene,
  renderScene,
  type Scene,
  SHAPES,
  type Shape,
} from './shapes_world_scene';
import {
  backText,
  chainOfThought,
  checkAnswer,
  checkPrompt,
  countMatches,
  listText,
  lookBackChain,
  type Operation,
  type Question,
  type QuestionKind,
  questionText,
  runningValues,
  type Selector,
} from './shapes_world_text';

/** `heldout` asks only for colour and shape pairs that no other split asks for. */
export const SPLITS = ['train', 'validation', 'test', 'heldout'] as const;
/** One of {@link SPLITS}. */
export type Split = (typeof SPLITS)[number];

/** Pairs that only the `heldout` split asks for; such objects lie in the pictures of every split. */
export const HELDOUT_PAIRS: readonly { readonly colour: Colour; readonly shape: Shape }[] = [
  { colour: 'yellow', shape: 'triangle' },
  { colour: 'green', shape: 'circle' },
];

/** What to draw. */
export interface SampleRequest {
  readonly split: Split;
  readonly seed: number;
  readonly index: number;
  /** Chance that the question ignores the picture (kind `text`); default 0. */
  readonly textShare?: number;
}

/** The oracle's texts about one sample. */
export interface OracleTexts {
  /** `<think> i see 2 red squares. … </think> \boxed{ 12 }` */
  readonly cot: string;
  /** The same with a genuine scan in `<back>` and a second thought. */
  readonly lookBack: string;
  /** Every cell with what lies in it. */
  readonly list: string;
  /** Prompt and answer of a bare scan; absent for kind `text`. */
  readonly check?: { readonly prompt: string; readonly answer: string };
}

/** One picture with one question. */
export interface ShapesSample {
  readonly id: string;
  readonly scene: Scene;
  readonly question: Question;
  readonly kind: QuestionKind;
  /** Number of objects that the question is about; 0 for kind `text`. */
  readonly count: number;
  /** The question in plain English. */
  readonly text: string;
  /** The number that belongs into `\boxed{}`. */
  readonly answer: string;
  readonly oracle: OracleTexts;
  /** Draws the picture: RGB bytes [48, 48, 3]. */
  image(): Uint8Array;
}

/** FNV-1a over the characters, then mixed: the hash that deals canonical scenes out to splits. */
function hashKey(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return mix32(hash);
}

/** The split that a scene belongs to: 90 % train, 3 % validation, 4 % test, 3 % heldout, by canonical scene. */
export function splitOfScene(scene: Scene): Split {
  const bucket = hashKey(canonicalKey(scene)) % 100;
  if (bucket < 90) return 'train';
  if (bucket < 93) return 'validation';
  return bucket < 97 ? 'test' : 'heldout';
}

/** True for the colour and shape pairs of {@link HELDOUT_PAIRS}. */
export function isHeldoutSelector(selector: Selector): boolean {
  return HELDOUT_PAIRS.some((p) => p.colour === selector.colour && p.shape === selector.shape);
}

function presentHeldoutPairs(scene: Scene): readonly Selector[] {
  return HELDOUT_PAIRS.filter((pair) => countMatches(scene, pair) > 0);
}

/** A scene of the split; for `heldout`, 85 % hold an object of a pair to ask for. */
function drawSceneOf(split: Split, prng: Prng): Scene {
  const wantsPair = split === 'heldout' && prng.nextFloat() < 0.85;
  for (;;) {
    const scene = drawScene(prng);
    if (splitOfScene(scene) !== split) continue;
    if (!wantsPair || presentHeldoutPairs(scene).length > 0) return scene;
  }
}

function pick<T>(items: readonly T[], prng: Prng): T {
  return items[prng.nextInt(items.length)] as T;
}

/** Colour only (50 %), shape only (35 %) or both (15 %), from a present object in 85 % of cases. */
function drawSelector(scene: Scene, split: Split, prng: Prng): Selector {
  if (split === 'heldout') {
    const inScene = presentHeldoutPairs(scene);
    return pick(inScene.length > 0 ? inScene : HELDOUT_PAIRS, prng);
  }
  const present = prng.nextFloat() < 0.85;
  for (;;) {
    const form = prng.nextFloat();
    const from = present
      ? pick(scene.objects, prng)
      : { colour: pick(COLOURS, prng), shape: pick(SHAPES, prng) };
    const selector: Selector =
      form < 0.5
        ? { colour: from.colour }
        : form < 0.85
          ? { shape: from.shape }
          : { colour: from.colour, shape: from.shape };
    if (!isHeldoutSelector(selector)) return selector;
  }
}

/** Two to four operations that keep the value within 0 to 40. */
function drawOperations(value: number, prng: Prng): Operation[] {
  const operations: Operation[] = [];
  const count = 2 + prng.nextInt(3);
  let running = value;
  for (let i = 0; i < count; i++) {
    const subtract = running > 30 || (running >= 4 && prng.nextFloat() < 0.5);
    const amount = 1 + prng.nextInt(subtract ? Math.min(9, running - 2) : 9);
    operations.push({ verb: subtract ? 'subtract' : 'add', amount });
    running += subtract ? -amount : amount;
  }
  return operations;
}

/** A question about the scene; visual kinds count : take : plus = 2 : 1 : 1. */
function drawQuestion(scene: Scene, request: SampleRequest, prng: Prng): Question {
  const textShare = request.textShare ?? 0;
  if (prng.nextFloat() < textShare) {
    const start = prng.nextInt(11);
    return { kind: 'text', start, operations: drawOperations(start, prng) };
  }
  const selector = drawSelector(scene, request.split, prng);
  const count = countMatches(scene, selector);
  const kind = (['count', 'count', 'take', 'plus'] as const)[prng.nextInt(4)] as QuestionKind;
  const start = kind === 'take' ? count + prng.nextInt(10) : kind === 'plus' ? prng.nextInt(10) : 0;
  const first = kind === 'take' ? start - count : start + count;
  return { kind, selector, start, operations: drawOperations(first, prng) };
}

/** The oracle's texts for a question about a scene. */
export function oracleTexts(scene: Scene, question: Question): OracleTexts {
  const { selector } = question;
  const count = selector === undefined ? 0 : countMatches(scene, selector);
  const cot = chainOfThought(question, count);
  const lookBack = lookBackChain(question, count, backText(scene, question), count);
  const list = listText(scene);
  if (selector === undefined) return { cot, lookBack, list };
  return {
    cot,
    lookBack,
    list,
    check: { prompt: checkPrompt(selector), answer: checkAnswer(scene, selector) },
  };
}

/** Draws the sample that (split, seed, index) names. Pure: any order, any subset, the same samples. */
export function drawSample(request: SampleRequest): ShapesSample {
  const prng = createPrng(0x5ba9e5, request.seed, SPLITS.indexOf(request.split), request.index);
  const scene = drawSceneOf(request.split, prng);
  const question = drawQuestion(scene, request, prng);
  const count = question.selector === undefined ? 0 : countMatches(scene, question.selector);
  return {
    id: `${request.split}-${request.seed}-${request.index}`,
    scene,
    question,
    kind: question.kind,
    count,
    text: questionText(question),
    answer: `${runningValues(question, count).at(-1)}`,
    oracle: oracleTexts(scene, question),
    image: () => renderScene(scene),
  };
}
