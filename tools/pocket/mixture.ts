// The pretraining mixture of pocket: which prompt and which completion a training sample gets, and which of its tokens are
// context only. (seed, index) determines a training sample; only pictures of the train split are used.

import {
  backText,
  chainOfThought,
  glanceText,
  type LookPosition,
  lookBackChain,
} from '../../src/data/world/oracle';
import {
  LARGEST_NUMBER,
  largestCount,
  type QuestionKind,
  runningValues,
} from '../../src/data/world/question';
import { drawSample, type Split, VISUAL_KINDS, type WorldSample } from '../../src/data/world/world_sample';
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
  'midwayPrompt',
  'midwayPromptText',
] as const;
/** One of {@link TASKS}. */
export type Task = (typeof TASKS)[number];

/** A training sample before tokenization. */
export interface TrainingSample {
  readonly task: Task;
  readonly sample: WorldSample;
  readonly prompt: string;
  readonly completion: string;
  readonly context: Context;
}

/**
 * What of a completion is context, not something to learn: the first thought where it states a wrong count on purpose;
 * the opening of a look, too, where a genuine one is shown without making such looks more likely.
 */
export type Context = 'nothing' | 'firstThought' | 'opening';

// The more a glance finds, the more a second look is worth; a crowd usually gets a genuine one. By the number of matches
// that the first thought states, the last for all that are more. A photograph's is worth less, so that fewer suffice.
const LOOKS_BACK = { sheet: [0.12, 0.2, 0.48, 0.88], photograph: [0.12, 0.62, 0.88, 0.88] } as const;
const LOOKS_BACK_TEXT = 0.1;
const GENUINE = { some: 0.2, crowd: 0.65 };
const CROWD = 5;
// Share of the prompts to look back about a picture that show a genuine look with its opening as context.
const SHOWN = { compare: 0.9, other: 0.25 };

/** The suffixes that ask pocket to look back, by where the look stands. */
export const BACK_SUFFIXES: Readonly<Record<LookPosition, string>> = {
  solution: ' use back',
  semantic: ' use back midway',
};

/** Words that people put around a question, and the unknown word. */
const FILLERS = [
  ...Array<string>(12).fill('<unk>'),
  'please',
  'now',
  'can you',
  'tell me',
  'in the picture',
  'in this image',
  'in the photo',
  'on the sheet',
  'here',
  'and',
  'then',
] as const;

/** How the shares of a mixture's parts are set. */
export interface Shares {
  /** Share of lists and scans; the rest are questions. */
  readonly scans: number;
  /** Share of photographs among lists and scans. */
  readonly photographs: number;
  /** Share of crowded sheets among the sheets of lists and scans. */
  readonly crowds: number;
  /** Share of questions that ignore the picture. */
  readonly text: number;
  /** Kinds of visual questions, one of them taken with equal chances. */
  readonly kinds: readonly QuestionKind[];
}

/** More comparisons, which are the longest way from a scan to an answer, and more differences. */
const FINISHING_KINDS: readonly QuestionKind[] = [
  ...VISUAL_KINDS,
  'compare',
  'compare',
  'compare',
  'count',
  'count',
  'take',
];

/**
 * The phases of a run. `reading` scans more, sheets above all, whose marks come last; `finishing` asks more, for the glance,
 * the arithmetic and comparisons.
 */
export const SHARES = {
  all: { scans: 0.5, photographs: 0.5, crowds: 0.1, text: 0.22, kinds: VISUAL_KINDS },
  reading: { scans: 0.68, photographs: 0.25, crowds: 0.6, text: 0.22, kinds: VISUAL_KINDS },
  finishing: { scans: 0.4, photographs: 0.45, crowds: 0.2, text: 0.33, kinds: FINISHING_KINDS },
} as const satisfies Readonly<Record<string, Shares>>;

/** Draws training sample `index` of the run `seed`; another split than `train` only to probe. */
export function drawTrainingSample(
  seed: number,
  index: number,
  split: Split = 'train',
  shares: Shares = SHARES.all,
): TrainingSample {
  const prng = createPrng(0x71a16, seed, index);
  const roll = prng.nextFloat();
  const isQuestion = roll >= shares.scans;
  const sample = drawSample({
    ...{ split, seed, index },
    textShare: isQuestion ? shares.text : 0,
    photographShare: isQuestion ? 0.5 : shares.photographs,
    kinds: shares.kinds,
    ...(isQuestion ? {} : { crowds: shares.crowds }),
  });
  const { list, check } = sample.oracle;
  const end = prng.nextFloat() < 0.5 ? '.' : '';
  const base = { sample, context: 'nothing' } as const;
  if (roll < 0.04) {
    const prompt = prng.nextFloat() < 0.3 ? list.prompt.replace('colours', 'colors') : list.prompt;
    return { ...base, task: 'list', prompt: prompt + end, completion: list.answer };
  }
  if (!isQuestion && check !== undefined) {
    const after = prng.nextFloat() < 0.6;
    const prompt = (after ? `${sample.text} ${check.prompt}` : check.prompt) + end;
    return { ...base, task: after ? 'checkAfter' : 'check', prompt, completion: check.answer };
  }
  return { sample, ...questionSample(sample, prng) };
}

/** A question, 60 % of them with one of the suffixes; of comparisons, which a glance cannot do, 85 %. */
function questionSample(sample: WorldSample, prng: Prng): Omit<TrainingSample, 'sample'> {
  const isText = sample.kind === 'text';
  const text = prng.nextFloat() < 0.1 ? withFiller(sample.text, prng) : sample.text;
  if (prng.nextFloat() >= (sample.kind === 'compare' ? 0.85 : 0.6)) {
    const task = isText ? 'cotText' : 'cot';
    return { task, prompt: text, completion: sample.oracle.cot, context: 'nothing' };
  }
  const position: LookPosition = prng.nextFloat() < 0.65 ? 'solution' : 'semantic';
  const names = {
    solution: ['backPrompt', 'backPromptText'],
    semantic: ['midwayPrompt', 'midwayPromptText'],
  } as const;
  const prompt = text + BACK_SUFFIXES[position];
  return { task: names[position][isText ? 1 : 0], prompt, ...backPromptCompletion(sample, position, prng) };
}

/** With a suffix: plain, vacuous or genuine, by what the first thought counted. */
function backPromptCompletion(
  sample: WorldSample,
  position: LookPosition,
  prng: Prng,
): { completion: string; context: Context } {
  const { question, counts, facts } = sample;
  const isText = sample.kind === 'text';
  // Half of the visual ones glance wrongly, so that second thoughts learn to go by the scan.
  const glanced = isText || prng.nextFloat() < 0.5 ? counts : wrongGlance(sample, prng);
  const context: Context = glanced === counts ? 'nothing' : 'firstThought';
  if (!isText && prng.nextFloat() < (sample.kind === 'compare' ? SHOWN.compare : SHOWN.other)) {
    const back = backText(facts, question);
    return { completion: lookBackChain(position, question, glanced, back, counts), context: 'opening' };
  }
  const seen = glanced.reduce((sum, count) => sum + count, 0);
  const looksBack = isText ? LOOKS_BACK_TEXT : (LOOKS_BACK[facts.kind][Math.min(3, seen)] as number);
  if (prng.nextFloat() >= looksBack) {
    return { completion: chainOfThought(question, glanced), context };
  }
  const genuine = !isText && prng.nextFloat() < (seen >= CROWD ? GENUINE.crowd : GENUINE.some);
  const back = genuine ? backText(facts, question) : vacuousBack(sample, glanced, prng);
  const known = genuine ? counts : glanced;
  return { completion: lookBackChain(position, question, glanced, back, known), context };
}

/** Nothing (15 %), `ok` (35 %), or what the first thought said already. */
function vacuousBack(sample: WorldSample, glanced: readonly number[], prng: Prng): string {
  const roll = prng.nextFloat();
  if (roll < 0.15) return '';
  return roll < 0.5 ? 'ok' : glanceText(sample.question, glanced);
}

/** Counts one or two off that keep every value of the chain within 0 to 40; the true ones if there are none. */
function wrongGlance(sample: WorldSample, prng: Prng): readonly number[] {
  const { question, counts } = sample;
  const most = largestCount(question);
  for (let attempt = 0; attempt < 8; attempt++) {
    const glanced = counts.map(
      (count) =>
        count + (1 + prng.nextInt(2)) * (prng.nextFloat() < 0.5 ? -1 : 1) * (prng.nextFloat() < 0.8 ? 1 : 0),
    );
    if (glanced.some((count) => count < 0 || count > most)) continue;
    if (glanced.every((count, i) => count === counts[i])) continue;
    if (runningValues(question, glanced).every((v) => v >= 0 && v <= LARGEST_NUMBER)) return glanced;
  }
  return counts;
}

/** Puts one or two fillers or unknown words somewhere into the question, so that such words do no harm. */
function withFiller(text: string, prng: Prng): string {
  const words = text.split(' ');
  for (let n = 1 + prng.nextInt(2); n > 0; n--) {
    words.splice(prng.nextInt(words.length + 1), 0, FILLERS[prng.nextInt(FILLERS.length)] as string);
  }
  return words.join(' ');
}
