// Compares what a model says with its weights in two precisions: the distributions over the next token, along an answer
// that one of them gave. The page and `npm run quality` measure with it.

import type { PixelArray } from '../data/image/pillow_resize';
import { ImageEncoder } from '../model/image_encoder';
import { type PromptInput, packPrompts } from '../model/prompt_packing';
import { tracePrompt } from '../model/prompt_program';
import type { VisionLanguageModel } from '../model/vision_language_model';
import type { ReasoningMode } from '../settings/reasoning_modes';
import { Program } from '../tensor/program';
import { greedy, type Reasoner } from './reasoner';

/** How far one set of distributions is from another. */
export interface LogitDistance {
  /** Tokens that were predicted. */
  readonly tokens: number;
  /** Mean KL divergence from the reference, in nats. */
  readonly kl: number;
  readonly largestKl: number;
  /** Share of tokens for which both put the same id first. */
  readonly agreement: number;
}

/**
 * Logits that predict each token of an answer, the answer given.
 * @returns [answer.length, V] f32
 * @throws ModelError, GpuError as a prompt pass does
 */
export async function answerLogits(
  { config, device }: VisionLanguageModel,
  { inputIds, images }: PromptInput,
  answer: readonly number[],
): Promise<Float32Array> {
  const encoder = new ImageEncoder(device);
  try {
    const encoded = await encoder.encode(images);
    const ids = [...inputIds, ...answer.slice(0, -1)];
    const packed = packPrompts([{ inputIds: ids, images }], config, ids.length, (live) => live, 1);
    const shape = { tokens: packed.tokens, batch: answer.length };
    const program = await Program.compile(device.gpu, 'answer logits', (trace) => {
      trace.output('logits', tracePrompt(trace, device, shape, { features: encoded?.features }));
    });
    const rows = Uint32Array.from(answer, (_, index) => inputIds.length - 1 + index);
    for (const [name, data] of Object.entries({ ...packed.inputs, last_rows: rows }))
      if (program.hasInput(name)) program.write(name, data);
    await program.run();
    const logits = (await program.read('logits')) as Float32Array;
    program.destroy();
    return logits;
  } finally {
    encoder.destroy();
  }
}

/** A question about a picture along whose answer two precisions are compared. */
export interface QualityQuestion {
  readonly image: PixelArray;
  readonly text: string;
  readonly mode: ReasoningMode;
  /** Longest answer. */
  readonly tokens: number;
}

/** An answer of the stored weights, with the logits that led to it. */
export interface StoredAnswer {
  readonly prompt: PromptInput;
  readonly answer: readonly number[];
  /** [answer.length, V] */
  readonly logits: Float32Array;
}

/**
 * Answers a question greedily with the weights of a reasoner, which are the reference.
 * @throws DataError for a picture that cannot be used; GpuError; the signal's reason when aborted
 */
export async function answerAsStored(
  reasoner: Reasoner,
  { image, text, mode, tokens }: QualityQuestion,
  signal: AbortSignal,
): Promise<StoredAnswer> {
  const prepared = reasoner.prepare({ image, text, mode });
  const room = reasoner.maxTokens - prepared.prompt.inputIds.length;
  const sampling = greedy(Math.max(1, Math.min(tokens, room)));
  const [answer] = await reasoner.answerBatch([{ prepared, sampling }], 1, { capture: 'none', signal });
  reasoner.closeSession();
  const ids = answer?.ids ?? [];
  const logits = await answerLogits(reasoner.model, prepared.prompt, ids);
  return { prompt: prepared.prompt, answer: ids, logits };
}

/** How far another precision of the same model is from an answer of the stored weights. */
export async function distanceFrom(
  { prompt, answer, logits }: StoredAnswer,
  model: VisionLanguageModel,
): Promise<LogitDistance> {
  return logitDistance(logits, await answerLogits(model, prompt, answer), model.config.text.vocabSize);
}

/** log Σ exp of a row, and the index of its first largest value. */
function normaliser(row: Float32Array): { lse: number; first: number } {
  let first = 0;
  row.forEach((value, id) => {
    if (value > (row[first] as number)) first = id;
  });
  const peak = row[first] as number;
  let sum = 0;
  for (const value of row) sum += Math.exp(value - peak);
  return { lse: peak + Math.log(sum), first };
}

/**
 * Distance of logits from a reference.
 * @param reference [tokens, vocab]
 * @param other     [tokens, vocab]
 */
export function logitDistance(reference: Float32Array, other: Float32Array, vocab: number): LogitDistance {
  const tokens = reference.length / vocab;
  let [total, largestKl, same] = [0, 0, 0];
  for (let token = 0; token < tokens; token++) {
    const [p, q] = [reference, other].map((x) => x.subarray(token * vocab, (token + 1) * vocab)) as [
      Float32Array,
      Float32Array,
    ];
    const [ofP, ofQ] = [normaliser(p), normaliser(q)];
    let kl = 0;
    p.forEach((value, id) => {
      const logP = value - ofP.lse;
      kl += Math.exp(logP) * (logP - ((q[id] as number) - ofQ.lse));
    });
    total += kl;
    largestKl = Math.max(largestKl, kl);
    if (ofP.first === ofQ.first) same++;
  }
  return { tokens, kl: total / tokens, largestKl, agreement: same / tokens };
}

/** Distances along several answers as that along one: every token counts the same. */
export function pooledDistance(parts: readonly LogitDistance[]): LogitDistance {
  const tokens = parts.reduce((sum, part) => sum + part.tokens, 0);
  const mean = (value: (part: LogitDistance) => number): number =>
    parts.reduce((sum, part) => sum + part.tokens * value(part), 0) / tokens;
  return {
    tokens,
    kl: mean(({ kl }) => kl),
    largestKl: Math.max(...parts.map(({ largestKl }) => largestKl)),
    agreement: mean(({ agreement }) => agreement),
  };
}
