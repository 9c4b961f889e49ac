// Asks a model the questions of an evaluation in waves and scores the answers: the one way in which the command line and
// the page evaluate. Pictures are made or read when their wave begins, so that a large set is never in memory together.

import type { GraderName } from '../answer/answer_grading';
import { LOOK_TAGS, type LookTagName, type LookTags } from '../answer/look_tags';
import type { PixelArray } from '../data/image/pillow_resize';
import { type SplitQuestions, splitSample } from '../data/world/split_questions';
import type { GeneratedAnswer } from '../generation/generate';
import type { PreparedPrompt } from '../generation/processor';
import { ArgumentError, DataError } from '../lib/errors';
import { answerFlops } from '../model/answer_flops';
import { tokenCacheBytes } from '../model/kv_cache';
import type { SamplingOptions } from '../model/prompt_packing';
import type { ModelSpec } from '../model/spec';
import { type EvaluationSettings, questionSeed } from '../settings/evaluation_settings';
import type { ReasoningMode } from '../settings/reasoning_modes';
import { worldPixels } from './cold_start/problem_source';
import { type ExpectedAnswer, type SceneOutcome, scoreAnswer } from './evaluation';
import { type Intervention, LookInterventions } from './look_interventions';
import type { Question } from './question_prompt';
import { type AnswerRequest, greedy, type Reasoner } from './reasoner';

/** A question that can be asked. */
export interface EvaluationItem extends ExpectedAnswer {
  /** What the system turn says before the question; null or absent where it says nothing. */
  readonly system?: string | null | undefined;
  readonly image: () => Promise<PixelArray>;
}

/** The part of a reasoner that is asked. */
export type EvaluatedModel = Pick<Reasoner, 'prepare' | 'answerBatch' | 'maxTokens' | 'prompts'> & {
  readonly processor: Pick<Reasoner['processor'], 'tokenizer'>;
  readonly model: Pick<Reasoner['model'], 'config'> & {
    readonly weights: Pick<Reasoner['model']['weights'], 'cacheFormat'>;
  };
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
  /** What stands in the looks of the answers, which are then greedy; by default `own`. */
  readonly look?: EvaluationSettings['look'];
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
  /** Null where the looks are the model's own. */
  readonly intervention: Intervention | null;
  /** Its equal share of the wave's seconds. */
  readonly seconds: number;
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

/** Answers requests of a wave with their own looks, or with what is to stand for them. */
function answering(
  model: EvaluatedModel,
  width: number,
  { look = 'own', lookTag = 'back', signal }: WaveOptions,
): (requests: readonly AnswerRequest[]) => Promise<Pick<Answered<unknown>, 'answer' | 'intervention'>[]> {
  if (look !== 'own') {
    if (lookTag !== 'back')
      throw new ArgumentError('Only looks in the tags <back> and </back> are replaced.');
    const interventions = new LookInterventions(model, look, { batch: width, signal });
    return (requests) => interventions.answer(requests);
  }
  return async (requests) => {
    const answers = await model.answerBatch(requests, width, { capture: 'shares', signal });
    return answers.map((answer) => ({ answer, intervention: null }));
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
  options: WaveOptions,
  hooks: WaveHooks<T>,
  drawing?: (item: T) => Drawing,
): Promise<void> {
  const { batch, maxNewTokens, lookTag = 'back', signal } = options;
  const ask = answering(model, Math.min(batch, items.length), options);
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
    const began = performance.now();
    const answers = requests.length === 0 ? [] : await ask(requests);
    if (signal?.aborted) return;
    const seconds = (performance.now() - began) / 1000 / answers.length;
    const answered = answers.flatMap((own, i): Answered<T>[] => {
      const one = asked[i];
      return one === undefined ? [] : [{ item: one.item, request: one.request, seconds, ...own }];
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
 * method's own tags. Tokens that were put into it, `forcedTokens`, are read like a prompt.
 */
export function scoreGenerated(
  config: ModelSpec,
  answer: GeneratedAnswer,
  { prompt: { inputIds }, imageTokens }: Pick<PreparedPrompt, 'prompt' | 'imageTokens'>,
  question: ExpectedAnswer,
  {
    grader,
    look,
    forcedTokens = 0,
  }: {
    readonly grader?: GraderName | undefined;
    readonly look?: LookTags | undefined;
    readonly forcedTokens?: number;
  } = {},
): SceneOutcome {
  const promptTokens = inputIds.length;
  const length = answer.ids.length - forcedTokens;
  const finished = {
    ...{ text: answer.text, look, length, promptTokens },
    finishReason: answer.finishReason ?? ('stopped' as const),
    flops: answerFlops(config, {
      ...{ promptTokens: promptTokens + forcedTokens, imageTokens, generatedTokens: length },
    }),
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
  const { config, weights } = model.model;
  const by = { grader: grader === 'auto' ? undefined : grader, look: LOOK_TAGS[options.lookTag ?? 'back'] };
  const score = (one: Answered<EvaluationItem>): SceneOutcome => {
    const { item, answer, request, intervention, seconds } = one;
    const { index, kind, question, expected } = item;
    const asked = { index, kind, question, expected };
    const forcedTokens = intervention?.forcedTokens ?? 0;
    // The last token is not read again.
    const tokens = request.prepared.prompt.inputIds.length + answer.ids.length - 1;
    return {
      ...scoreGenerated(config, answer, request.prepared, asked, { ...by, forcedTokens }),
      ...{ cacheBytes: tokens * tokenCacheBytes(config.text, weights.cacheFormat), seconds },
      ...(intervention === null ? {} : { intervention }),
    };
  };
  const waves = {
    ...(hooks.onBegin === undefined ? {} : { onBegin: hooks.onBegin }),
    onWave: (wave: readonly Answered<EvaluationItem>[], left: readonly LeftOut<EvaluationItem>[]) =>
      hooks.onWave(wave.map(score), left),
  };
  const draw = ({ index }: EvaluationItem) => ({ temperature, seed: questionSeed(samplingSeed, index) });
  const ask = ({ question, system }: EvaluationItem) => ({ text: question, system, mode });
  await answerInWaves(model, items, ask, options, waves, draw);
}
