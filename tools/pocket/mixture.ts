// The pretraining mixture of pocket: which prompt and which completion a training sample gets, and how its
// tokens weigh in the loss. Not the world itself (src/data/shapes_world*.ts), not the trainer (pretrain.py).
// Invariant: (seed, index) determines a training sample; only scenes of the train split are used.

import { drawSample, type ShapesSample, type Split } from '../../src/data/world/shapes_world';
import { CELL_NAMES } from '../../src/data/world/shapes_world_scene';
import {
  backText,
  chainOfThought,
  LIST_PROMPT,
  lookBackChain,
  runningValues,
  selectorName,
} from '../../src/data/world/shapes_world_text';
import { createPrng, type Prng } from '../../src/lib/prng';

/** What a sample trains. */
export const TASKS = [
  'list',
  'check',
  'checkAfter',
  'cot',
  'cotText',
  'backPrompt',
  'backPromptText',
] as const;
/** One of {@link TASKS}. */
export type Task = (typeof TASKS)[number];

/** A training sample before tokenization. */
export interface TrainingSample {
  readonly task: Task;
  readonly image: Uint8Array;
  readonly prompt: string;
  readonly completion: string;
  /** What lies in each cell: a shape word, or `-`. */
  readonly cells: readonly string[];
  /** The first thought states a wrong count on purpose: it is context, not something to learn. */
  readonly maskFirstThought: boolean;
}

// The more a glance finds, the more a second look is worth; a crowd usually gets a genuine one.
const LOOKS_BACK = { few: 0.12, two: 0.4, many: 0.88, text: 0.1 };
const GENUINE = { some: 0.2, crowd: 0.65 };

/** The suffix that asks pocket to look back. */
export const BACK_SUFFIX = ' use back';

/** Draws training sample `index` of the run `seed`; another split than `train` only to probe. */
export function drawTrainingSample(seed: number, index: number, split: Split = 'train'): TrainingSample {
  const prng = createPrng(0x71a15, seed, index);
  const roll = prng.nextFloat();
  const isQuestion = roll >= 0.58;
  const sample = drawSample({ split, seed, index, textShare: isQuestion ? 0.35 : 0 });
  const image = sample.image();
  const end = prng.nextFloat() < 0.5 ? '.' : '';
  const cells = CELL_NAMES.map((_, cell) => sample.scene.objects.find((o) => o.cell === cell)?.shape ?? '-');
  const base = { image, cells, maskFirstThought: false };
  if (roll < 0.04)
    return { ...base, task: 'list', prompt: LIST_PROMPT + end, completion: sample.oracle.list };
  if (!isQuestion) {
    const check = sample.oracle.check as { prompt: string; answer: string };
    const after = prng.nextFloat() < 0.6;
    const prompt = (after ? `${sample.text} ${check.prompt}` : check.prompt) + end;
    return { ...base, task: after ? 'checkAfter' : 'check', prompt, completion: check.answer };
  }
  return { image, cells, ...questionSample(sample, prng) };
}

/** A question, 60 % of them with the Look-Back suffix. */
function questionSample(sample: ShapesSample, prng: Prng): Omit<TrainingSample, 'image' | 'cells'> {
  const isText = sample.kind === 'text';
  const text = prng.nextFloat() < 0.04 ? withUnknownWord(sample.text, prng) : sample.text;
  if (prng.nextFloat() >= 0.6) {
    return {
      task: isText ? 'cotText' : 'cot',
      prompt: text,
      completion: sample.oracle.cot,
      maskFirstThought: false,
    };
  }
  const task = isText ? 'backPromptText' : 'backPrompt';
  return { task, prompt: text + BACK_SUFFIX, ...backPromptCompletion(sample, prng) };
}

/** With the suffix: plain, vacuous or genuine, by what the first thought counted. */
function backPromptCompletion(
  sample: ShapesSample,
  prng: Prng,
): { completion: string; maskFirstThought: boolean } {
  const { question, count, scene } = sample;
  const isText = sample.kind === 'text';
  // Half of the visual ones glance wrongly, so that second thoughts learn to go by the scan.
  const glanced = isText || prng.nextFloat() < 0.5 ? count : wrongGlance(sample, prng);
  const maskFirstThought = glanced !== count;
  const visualChance = glanced >= 3 ? LOOKS_BACK.many : glanced === 2 ? LOOKS_BACK.two : LOOKS_BACK.few;
  if (prng.nextFloat() >= (isText ? LOOKS_BACK.text : visualChance)) {
    return { completion: chainOfThought(question, glanced), maskFirstThought };
  }
  const genuine = !isText && prng.nextFloat() < (glanced >= 5 ? GENUINE.crowd : GENUINE.some);
  if (genuine) {
    return {
      completion: lookBackChain(question, glanced, backText(scene, question), count),
      maskFirstThought,
    };
  }
  return {
    completion: lookBackChain(question, glanced, vacuousBack(sample, glanced, prng), glanced),
    maskFirstThought,
  };
}

/** Nothing (15 %), `ok` (35 %), or what the first thought said already. */
function vacuousBack(sample: ShapesSample, glanced: number, prng: Prng): string {
  const roll = prng.nextFloat();
  if (roll < 0.15) return '';
  if (roll < 0.5) return 'ok';
  const { selector, start } = sample.question;
  if (selector === undefined) return `start with ${start}.`;
  return `i see ${glanced} ${selectorName(selector, glanced)}.`;
}

/** A count one or two off that keeps every value of the chain within 0 to 40; the true count if there is none. */
function wrongGlance(sample: ShapesSample, prng: Prng): number {
  for (let attempt = 0; attempt < 8; attempt++) {
    const off = (1 + prng.nextInt(2)) * (prng.nextFloat() < 0.5 ? -1 : 1);
    const glanced = sample.count + off;
    if (glanced < 0 || glanced > 9) continue;
    if (runningValues(sample.question, glanced).every((v) => v >= 0 && v <= 40)) return glanced;
  }
  return sample.count;
}

/** Puts one or two words that the vocabulary lacks somewhere into the question, so that such words do no harm. */
function withUnknownWord(text: string, prng: Prng): string {
  const words = text.split(' ');
  for (let n = 1 + prng.nextInt(2); n > 0; n--) words.splice(prng.nextInt(words.length), 0, '<unk>');
  return words.join(' ');
}
