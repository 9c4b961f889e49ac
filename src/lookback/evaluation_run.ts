// Asks a model the questions of an evaluation in waves and scores the answers: the one way in which the command line and
// the page evaluate. Pictures are made or read when their wave begins, so that a large set is never in memory together.

import type { GraderName } from '../answer/answer_grading';
import { LOOK_TAGS, type LookTagName, type LookTags } from '../answer/look_tags';
import type { PixelArray } from '../data/image/pillow_resize';
import { type SplitQuestions, splitSample } from '../data/world/split_questions';
import type { GeneratedAnswer } from '../generation/generate';
import type { PreparedPrompt } from '../generation/processor';
import { DataError } from '../lib/errors';
import { answerFlops } from '../model/answer_flops';
import type { SamplingOptions } from '../model/prompt_packing';
import type { ModelSpec } from '../model/spec';
import { questionSeed } from '../settings/evaluation_settings';
import type { ReasoningMode } from '../settings/reasoning_modes';
import { worldPixels } from './cold_start/problem_source';
import { type ExpectedAnswer, type SceneOutcome, scoreAnswer } from './evaluation';
import type { Question } from './question_prompt';
import { type AnswerRequest, greedy, type Reasoner } from './reasoner';

/** A question that can be asked. */
export interface EvaluationItem extends ExpectedAnswer {
  readonly image: () => Promise<PixelArray>;
}

/** The part of a reasoner that is asked. */
export type EvaluatedModel = Pick<Reasoner, 'prepare' | 'answerBatch' | 'maxTokens' | 'prompts'> & {
  readonly model: { readonly config: Reasoner['model']['config'] };
};

/** How waves are asked. */
export interface WaveOptions {
  /** Questions at once. */
  readonly batch: number;
  /** Null for the model's own limit. */
  readonly maxNewTokens: number | null;
  /** Name of the tags of a look back in the answers; by default the method's own. */
  readonly lookTag?: LookTagName | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How the answer to a question is drawn; greedily where this is not given. */
type Drawing = Pick<SamplingOptions, 'temperature' | 'seed'>;

/** What the caller hears and does between waves. */
export interface WaveHooks<T> {
  /** Before each wave is answered. */
  readonly onBegin?: () => Promise<void>;
  /** Answers of a wave; `left` are items of it whose picture or question cannot be used, with the reason. */
  readonly onWave: (wave: readonly Answered<T>[], left: readonly LeftOut<T>[]) => Promise<void>;
}

/** An item with its answer. */
export interface Answered<T> {
  readonly item: T;
  readonly answer: GeneratedAnswer;
  readonly request: AnswerRequest;
}

/** An item that could not be asked. */
export interface LeftOut<T> {
  readonly item: T;
  readonly why: DataError;
}

/** The question of the built-in world with a number, to be asked. */
export function splitItem(questions: SplitQuestions, index: number): EvaluationItem {
  const sample = splitSample(questions, index);
  const { wording, text, answer } = sample;
  return {
    index,
    kind: wording,
    expected: answer,
    question: text,
    image: async () => worldPixels(sample),
  };
}

type Made<T> = { readonly item: T } & ({ readonly request: AnswerRequest } | { readonly why: DataError });

/**
 * Answers items in waves until all are done or the signal aborts; a wave in hand then is thrown away.
 * @throws GpuError; ModelError for a mode that the model does not know; what the hooks throw
 */
export async function answerInWaves<T extends Pick<EvaluationItem, 'image'>>(
  model: EvaluatedModel,
  items: readonly T[],
  question: (item: T) => Omit<Question, 'image'>,
  { batch, maxNewTokens, lookTag = 'back', signal }: WaveOptions,
  hooks: WaveHooks<T>,
  drawing?: (item: T) => Drawing,
): Promise<void> {
  const look = LOOK_TAGS[lookTag];
  const make = async (item: T): Promise<Made<T>> => {
    try {
      const prepared = model.prepare({ ...question(item), look, image: await item.image() });
      const room = model.maxTokens - prepared.prompt.inputIds.length;
      const limit = maxNewTokens ?? Math.min(model.prompts.maxNewTokens, room);
      const sampling = { ...greedy(Math.max(1, limit)), ...drawing?.(item) };
      return { item, request: { prepared, sampling } };
    } catch (why) {
      if (!(why instanceof DataError)) throw why;
      return { item, why };
    }
  };
  for (let at = 0; at < items.length && !signal?.aborted; at += batch) {
    const made = await Promise.all(items.slice(at, at + batch).map(make));
    const asked = made.filter((one) => 'request' in one);
    const left = made.filter((one) => 'why' in one);
    await hooks.onBegin?.();
    if (signal?.aborted) return;
    const requests = asked.map(({ request }) => request);
    const width = Math.min(batch, items.length);
    const answers =
      requests.length === 0 ? [] : await model.answerBatch(requests, width, { capture: 'shares', signal });
    if (signal?.aborted) return;
    const answered = answers.flatMap((answer, i): Answered<T>[] => {
      const one = asked[i];
      return one === undefined ? [] : [{ item: one.item, answer, request: one.request }];
    });
    await hooks.onWave(answered, left);
  }
}

/** How an evaluation asks and judges. */
export interface EvaluationRun extends WaveOptions {
  readonly mode: ReasoningMode;
  /** `auto` takes for each question the grader that its expected answer asks for. */
  readonly grader: GraderName | 'auto';
  /** 0, the default, is greedy. */
  readonly temperature?: number;
  /** See {@link questionSeed}. */
  readonly samplingSeed?: number;
}

/**
 * Scores an answer as it was generated: by default with the grader that the expected answer asks for, and with looks in the
 * method's own tags.
 */
export function scoreGenerated(
  config: ModelSpec,
  answer: GeneratedAnswer,
  { prompt: { inputIds }, imageTokens }: Pick<PreparedPrompt, 'prompt' | 'imageTokens'>,
  question: ExpectedAnswer,
  { grader, look }: { readonly grader?: GraderName | undefined; readonly look?: LookTags | undefined } = {},
): SceneOutcome {
  const tokens = { promptTokens: inputIds.length, imageTokens, generatedTokens: answer.ids.length };
  const finished = {
    text: answer.text,
    look,
    ids: answer.ids,
    finishReason: answer.finishReason ?? ('stopped' as const),
    promptTokens: inputIds.length,
    flops: answerFlops(config, tokens),
    imageShares: answer.imageShares(),
    tokenSpan: (start: number, end: number) => answer.tokenSpan(start, end),
  };
  return scoreAnswer(finished, question, grader);
}

/** As {@link answerInWaves}, with each answer scored. */
export async function evaluateItems(
  model: EvaluatedModel,
  items: readonly EvaluationItem[],
  { mode, grader, temperature = 0, samplingSeed = 0, ...options }: EvaluationRun,
  hooks: Pick<WaveHooks<EvaluationItem>, 'onBegin'> & {
    readonly onWave: (
      outcomes: readonly SceneOutcome[],
      left: readonly LeftOut<EvaluationItem>[],
    ) => Promise<void>;
  },
): Promise<void> {
  const { config } = model.model;
  const by = { grader: grader === 'auto' ? undefined : grader, look: LOOK_TAGS[options.lookTag ?? 'back'] };
  const score = ({ item, answer, request }: Answered<EvaluationItem>): SceneOutcome => {
    const { index, kind, question, expected } = item;
    return scoreGenerated(config, answer, request.prepared, { index, kind, question, expected }, by);
  };
  const waves = {
    ...(hooks.onBegin === undefined ? {} : { onBegin: hooks.onBegin }),
    onWave: (wave: readonly Answered<EvaluationItem>[], left: readonly LeftOut<EvaluationItem>[]) =>
      hooks.onWave(wave.map(score), left),
  };
  const draw = ({ index }: EvaluationItem) => ({ temperature, seed: questionSeed(samplingSeed, index) });
  await answerInWaves(model, items, ({ question }) => ({ text: question, mode }), options, waves, draw);
}
