// Makes the examples of a run: questions or written answers, of the built-in world or of rows, and what is evaluated
// on. Model, request and seed decide them: equal positions give equal examples.

import { BACK_TAGS, LOOK_TAGS, type LookTags } from '../answer/look_tags';
import { trainingSample } from '../data/world/split_questions';
import type { WorldSample } from '../data/world/world_sample';
import { ArgumentError, DataError } from '../lib/errors';
import { itemAt } from '../lib/invariant';
import { createPrng } from '../lib/prng';
import type { AppliedAdapter } from '../model/merged_adapter';
import { heldOutSize } from '../settings/held_out';
import type { ReasoningMode } from '../settings/reasoning_modes';
import { dealExamples } from '../train/example_order';
import type { HeldOutExample } from '../train/held_out_evaluation';
import { Rollout } from '../train/rollout';
import type { ExampleSource, LabelledExample, PromptExample } from '../train/trainer';
import { wholeAnswers } from './cold_start/model_answers';
import { worldPixels } from './cold_start/problem_source';
import { coldStartText } from './cold_start/world_example';
import type { TrialQuestion } from './custom_reward';
import {
  heldOutRows,
  labelledRows,
  PreparedRows,
  promptRows,
  type RowSource,
  type TrainingRow,
} from './row_examples';
import type { ShapesWorldSource, TrainerBase, TrainerMaking, TrainingRequest } from './training';

/** Share of looking-back examples that begin with a wrong thought, where the base had one. */
const WRONG_FIRST_SHARE = 0.5;
/** Scenes whose rollouts are sampled at once while a cold start is prepared. */
export const SCENES_AT_ONCE = 32;

/** Kind of every row of a data set. */
const ROW_KIND = 'row';

/** The tags of a look back in a run. */
export function lookOf({ lookTag = 'back' }: Pick<TrainingRequest, 'lookTag'>): LookTags {
  return LOOK_TAGS[lookTag];
}

/** Samples from the base, or under an adapter. */
export function rolloutOf(
  { base, images, ingredients }: TrainerMaking,
  adapter: Pick<AppliedAdapter, 'applyTo'> | null,
): Rollout {
  const { device } = base.model;
  return new Rollout({
    model: adapter ? { ...device, weights: adapter.applyTo(device.weights) } : device,
    images,
    eosTokenIds: base.eosTokenIds,
    generate: ingredients.generate,
    createDecoder: () => base.processor.tokenizer.createStreamDecoder({ skipSpecialTokens: true }),
  });
}

function worldSample({ seed }: TrainingRequest, source: ShapesWorldSource, index: number): WorldSample {
  return trainingSample({ ...source, seed }, index);
}

/** The words beside a question. */
interface Asking {
  readonly mode: ReasoningMode;
  readonly look: LookTags;
}

function askingOf(request: Pick<TrainingRequest, 'mode' | 'lookTag'>): Asking {
  return { mode: request.mode, look: lookOf(request) };
}

function examplePrompt(
  base: TrainerBase,
  asking: Asking,
  key: number,
  row: Omit<TrainingRow, 'response'>,
  kind: string,
): PromptExample {
  const { image, question, answer: expected, system, columns = {} } = row;
  const { prompt, imageTokens } = base.prepare({ image, text: question, system, ...asking });
  return { key, prompt, imageTokens, question, expected, kind, columns };
}

function worldPrompt(base: TrainerBase, asking: Asking, key: number, sample: WorldSample): PromptExample {
  const row = { image: worldPixels(sample), question: sample.text, answer: sample.answer };
  return examplePrompt(base, asking, key, row, sample.kind === 'text' ? 'text' : 'visual');
}

/** Questions of GRPO: of the world's training split without end, or of rows. */
export async function promptSource({
  base,
  request,
  hooks,
}: TrainerMaking): Promise<ExampleSource<PromptExample>> {
  const { source } = request;
  const asking = askingOf(request);
  if (source.kind === 'shapes_world') {
    return {
      count: Number.POSITIVE_INFINITY,
      read: async (position) => worldPrompt(base, asking, position, worldSample(request, source, position)),
    };
  }
  const room = base.maxTokens - request.grpo.maxCompletionLength;
  const found = await promptRows(preparedRows(base, request, source.rows), room, hooks);
  hooks.onLeftOut?.(found.leftOut);
  return found.source;
}

/** The first row of a data set, whose columns a reward may read; undefined where there is none that can be used. */
export async function trialQuestion(source: TrainingRequest['source']): Promise<TrialQuestion | undefined> {
  if (source.kind !== 'rows' || source.rows.count === 0) return undefined;
  try {
    const { question, columns = {} } = await source.rows.read(0);
    return { question, kind: ROW_KIND, pictures: 1, columns };
  } catch (error) {
    // Whoever reads all rows says what is wrong with this one.
    if (error instanceof DataError) return undefined;
    throw error;
  }
}

function preparedRows(base: TrainerBase, request: TrainingRequest, rows: RowSource): PreparedRows {
  if (rows.count === 0) throw new DataError('data/dataset', 'The dataset has no rows.');
  return new PreparedRows(rows, (row, position) =>
    examplePrompt(base, askingOf(request), position, row, ROW_KIND),
  );
}

/** Written answers of SFT: a cold start of the world, or the responses of rows. */
export async function labelledSource(making: TrainerMaking): Promise<ExampleSource<LabelledExample>> {
  const { base, request, hooks } = making;
  const { source } = request;
  if (source.kind === 'rows') {
    const settings = {
      maxLength: Math.min(request.sft.maxLength, base.maxTokens),
      encode: (response: string) => completionIds(base, response),
    };
    const found = await labelledRows(preparedRows(base, request, source.rows), settings, hooks);
    hooks.onLeftOut?.(found.leftOut);
    return found.source;
  }
  const examples = await coldStart(making, source);
  return {
    count: examples.length,
    read: async (position) => {
      const example = examples[position];
      if (!example) throw new DataError('data/row', `There is no example ${position}.`);
      return example;
    },
  };
}

/** The rows of another set, or questions of the world's validation split for GRPO; null where examples are held out. */
export async function heldOutSource(making: TrainerMaking): Promise<ExampleSource<HeldOutExample> | null> {
  const { base, request } = making;
  if (request.heldOut !== null) return heldOutRowsOf(making, request.heldOut);
  const { method, source, evalSize, seed } = request;
  if (method === 'sft' || source.kind === 'rows' || evalSize === 0) return null;
  if (evalSize < 1) {
    throw new ArgumentError('evalSize is a share, and the built-in world has no end: give a whole number.');
  }
  const read = async (index: number): Promise<HeldOutExample> => {
    const sample = trainingSample({ ...source, seed }, index, 'validation');
    return { ...worldPrompt(base, askingOf(request), index, sample), completion: null };
  };
  return { count: evalSize, read };
}

/** Rows of another set, as many as are to be held out, drawn by the seed. */
async function heldOutRowsOf(
  { base, request, hooks }: TrainerMaking,
  rows: RowSource,
): Promise<ExampleSource<HeldOutExample>> {
  const { method, sft, grpo, seed } = request;
  const { maxCompletionLength } = method === 'sft' ? sft : grpo;
  const settings = {
    room: base.maxTokens - maxCompletionLength,
    maxLength: Math.min(sft.maxLength, base.maxTokens),
    encode: method === 'sft' ? (response: string) => completionIds(base, response) : null,
  };
  const { source } = await heldOutRows(preparedRows(base, request, rows), settings, hooks);
  const { held } = dealExamples(source.count, heldOutSize(source.count, request), seed);
  return { count: held.length, read: (at) => source.read(itemAt(held, at)) };
}

/** Response and end token as ids. */
function completionIds(base: TrainerBase, response: string): number[] {
  const ids = base.processor.tokenizer.encodePlain(response);
  const [eos] = base.eosTokenIds;
  return eos === undefined ? ids : [...ids, eos];
}

/** Cold-start examples of the built-in world: the base's own thoughts, sampled here, or foreign ones, with the oracle's looks put in. */
async function coldStart(making: TrainerMaking, source: ShapesWorldSource): Promise<LabelledExample[]> {
  const { base, request, hooks } = making;
  const rollout = rolloutOf(making, null);
  const examples: LabelledExample[] = [];
  // The base answers as it was taught, whatever the look is called.
  const own = { mode: 'cot', look: BACK_TAGS } as const;
  const position = request.mode === 'semantic' ? 'semantic' : 'solution';
  const shares = {
    position,
    reflectionRate: source.reflectionRate,
    wrongFirstShare: WRONG_FIRST_SHARE,
    looks: source.looks,
    tags: lookOf(request),
    chains: source.chains,
  } as const;
  try {
    for (let first = 0; first < source.scenes; first += SCENES_AT_ONCE) {
      hooks.onPhase?.('sampling a cold start', first / source.scenes);
      await hooks.turn?.();
      const count = Math.min(SCENES_AT_ONCE, source.scenes - first);
      const samples = Array.from({ length: count }, (_, at) => worldSample(request, source, first + at));
      const prompts = samples.map((sample, at) => worldPrompt(base, own, first + at, sample));
      const sampling = {
        count: source.rolloutsPerScene,
        temperature: 1,
        maxNewTokens: request.sft.maxCompletionLength,
        seed: request.seed,
      };
      const { signal, turn } = hooks;
      const answers = await wholeAnswers(rollout, prompts, sampling, first, { signal, turn });
      samples.forEach((sample, at) => {
        const texts = answers[at] ?? [];
        const made = coldStartText(sample, texts, createPrng(0xc01d, request.seed, first + at), shares);
        if (!made) return;
        const prompt = worldPrompt(base, askingOf(request), first + at, sample);
        const completion = completionIds(base, made.text);
        if (prompt.prompt.inputIds.length + completion.length > request.sft.maxLength) return;
        examples.push({ ...prompt, completion });
      });
    }
  } finally {
    rollout.destroy();
  }
  return examples;
}
