// Counts the floating-point operations of one answer from the spec of its model: those of its matrix products, two for
// each multiply and add. Norms, activations, rotary positions and sampling are left out; they are below 1 % of it.

import type { ModelSpec, ProjectorSpec, TextSpec, VisionSpec } from './spec';

/** What an answer took. */
export interface AnswerTokens {
  /** Tokens of the prompt, those of its pictures included. */
  readonly promptTokens: number;
  readonly imageTokens: number;
  /** The end token included. */
  readonly generatedTokens: number;
}

/** Of one token through the linear layers of the text decoder, without the output projection. */
function textLinear(text: TextSpec): number {
  const { hiddenSize, intermediateSize, numAttentionHeads, numKeyValueHeads, headDim } = text;
  const attention = hiddenSize * headDim * (2 * numAttentionHeads + 2 * numKeyValueHeads);
  return 2 * text.numHiddenLayers * (attention + 3 * hiddenSize * intermediateSize);
}

/** Of queries and values over what each of `tokens` positions attends to, itself and all before it. */
function textAttention({ numHiddenLayers, numAttentionHeads, headDim }: TextSpec, tokens: number): number {
  return 4 * numHiddenLayers * numAttentionHeads * headDim * ((tokens * (tokens + 1)) / 2);
}

/** Of all patches of pictures; every block is taken to attend to the whole picture, also where it has windows. */
function visionFlops(vision: VisionSpec, patches: number): number {
  const { hiddenSize, intermediateSize, depth, numHeads, headDim, inChannels, patchSize } = vision;
  const patch = inChannels * patchSize ** 2 * (vision.temporalPatchSize ?? 1);
  const layers = vision.mlp === 'swiglu' ? 3 : 2;
  const block = 4 * hiddenSize * numHeads * headDim + layers * hiddenSize * intermediateSize;
  const attention = 4 * depth * numHeads * headDim * patches ** 2;
  return 2 * patches * (patch * hiddenSize + depth * block) + attention;
}

/** Of one image token through a projector. */
function projectorFlops({ layers }: ProjectorSpec, inputs: number): number {
  let width = inputs;
  let sum = 0;
  for (const { outputs } of layers) {
    sum += 2 * width * outputs;
    width = outputs;
  }
  return sum;
}

/**
 * Operations of reading a picture and a prompt once and of generating an answer token by token with a cache. The output
 * projection runs for each generated token alone. Several pictures count as one of as many tokens.
 */
export function answerFlops(
  { text, vision, connector }: Pick<ModelSpec, 'text' | 'vision' | 'connector'>,
  { promptTokens, imageTokens, generatedTokens }: AnswerTokens,
): number {
  // The last token is not read again.
  const read = promptTokens + Math.max(0, generatedTokens - 1);
  const merge = vision.spatialMergeSize ** 2;
  const inputs = vision.hiddenSize * merge;
  const projectors = [connector.main, ...connector.taps.map(({ projector }) => projector)];
  const connecting = projectors.reduce((sum, projector) => sum + projectorFlops(projector, inputs), 0);
  return (
    read * textLinear(text) +
    textAttention(text, read) +
    2 * generatedTokens * text.hiddenSize * text.vocabSize +
    visionFlops(vision, imageTokens * merge) +
    imageTokens * connecting
  );
}
