// Checks after loading whether a model's weights can be what they should be: a small picture through the vision tower, and
// one short text through the decoder, whose values must be finite and whose text must not surprise it more than plain
// English surprises any trained model. It never refuses a model: it says what is wrong and what to try. Damage that leaves
// values of usual size in one layer goes unseen here; altered bytes are found by their digest, while they are downloaded.

import { inPassingScope } from '../gpu/gpu_scope';
import { ImageEncoder } from '../model/image_encoder';
import { decoderLayers, embedTokens, normalise } from '../model/language_model';
import { type ImageInput, packPrompts } from '../model/prompt_packing';
import { traceAttention, tracePromptInputs } from '../model/prompt_program';
import { gridTokens } from '../model/rope_index';
import { featureRows } from '../model/spec';
import type { VisionLanguageModel } from '../model/vision_language_model';
import { LM_HEAD } from '../model/weight_names';
import { gatherRows } from '../tensor/ops/embedding';
import { tokenLogps } from '../tensor/ops/token_logp';
import { Program } from '../tensor/program';
import { readTensor } from '../tensor/tensor_memory';
import type { Reasoner } from './reasoner';

/** What a check found. */
export interface WeightCheck {
  /** Whether image features and log-probabilities were finite. */
  readonly finite: boolean;
  /** Of the text, its first token left out; NaN where the values are not finite. */
  readonly perplexity: number;
  /** The largest perplexity that is still plausible. */
  readonly limit: number;
}

/** Plain English that says nothing surprising: about thirty tokens of any vocabulary. */
export const CHECK_TEXT =
  'The sun rises in the east and sets in the west. Water boils at one hundred degrees, and ice is frozen water.';

/**
 * Language models of these sizes have perplexities of tens on plain English, quantised ones a little more; weights that are
 * broken or random have about as many as their vocabulary has ids. The limit lies far from both. A small vocabulary's own
 * size says more than a number, so that there it is a quarter of that.
 */
const MAX_PERPLEXITY = 500;

/** Edge of the picture in pixels, and its most image tokens: models that cut pictures into tiles get one. */
const [EDGE, IMAGE_TOKENS] = [64, 64];

/** Largest plausible perplexity over a vocabulary. */
export function perplexityLimit(vocabSize: number): number {
  return Math.min(MAX_PERPLEXITY, vocabSize / 4);
}

/**
 * Log-probabilities of each id but the first, given those before it.
 * @param ids at least two
 * @returns [ids.length - 1] f32
 */
async function textLogps(
  { config, device }: VisionLanguageModel,
  ids: readonly number[],
): Promise<Float32Array> {
  const { gpu, weights } = device;
  const { text } = config;
  const tokens = ids.length;
  const packed = packPrompts([{ inputIds: [...ids], images: [] }], config, tokens, (live) => live, 1);
  const program = await Program.compile(gpu, 'weight check', (trace) => {
    const inputs = tracePromptInputs(trace, text, tokens, undefined);
    const x = embedTokens(trace, text, weights, inputs.ids, tokens);
    const stream = decoderLayers(trace, config, weights, x, traceAttention(trace, text, tokens, inputs));
    const rows = gatherRows(trace, stream, trace.input('rows', [tokens - 1], 'u32'));
    const labels = trace.input('labels', [tokens - 1], 'i32');
    const hidden = normalise(trace, text, weights, rows);
    trace.output('logp', tokenLogps(trace, hidden, weights.matrix(LM_HEAD), labels).logp);
  });
  try {
    const rows = Uint32Array.from({ length: tokens - 1 }, (_, row) => row);
    const inputs = { ...packed.inputs, rows, labels: Int32Array.from(ids.slice(1)) };
    for (const [name, data] of Object.entries(inputs)) if (program.hasInput(name)) program.write(name, data);
    await program.run();
    return (await program.read('logp')) as Float32Array;
  } finally {
    program.destroy();
  }
}

async function featuresAreFinite(
  { config, device }: VisionLanguageModel,
  image: ImageInput,
): Promise<boolean> {
  return inPassingScope(device.gpu, async (scope) => {
    const encoder = scope.own(new ImageEncoder(device));
    const encoded = await encoder.encode([image]);
    if (!encoded) return true;
    const { connector, vision } = config;
    const rows = gridTokens(image.gridThw, vision.spatialMergeSize) * featureRows(connector);
    const values = await readTensor(device.gpu, encoded.features);
    return values.subarray(0, rows * connector.outHiddenSize).every(Number.isFinite);
  });
}

/**
 * Runs the check.
 * @param ids   a text of at least two ids that the model should find likely
 * @param image any picture; null leaves the vision tower out
 */
export async function checkWeights(
  model: VisionLanguageModel,
  ids: readonly number[],
  image: ImageInput | null,
): Promise<WeightCheck> {
  const logps = await textLogps(model, ids);
  const mean = logps.reduce((sum, value) => sum + value, 0) / logps.length;
  const finite = logps.every(Number.isFinite) && (image === null || (await featuresAreFinite(model, image)));
  const limit = perplexityLimit(model.config.text.vocabSize);
  return { finite, perplexity: finite ? Math.exp(-mean) : Number.NaN, limit };
}

/** What is to be said of a check, with what to try; null when nothing is wrong. */
export function weightDoubt({ finite, perplexity, limit }: WeightCheck, precision: string): string | null {
  if (finite && perplexity <= limit) return null;
  const found = finite
    ? `finds plain English as unlikely as noise (perplexity ${perplexity.toPrecision(3)}; trained models stay below ${limit})`
    : 'computes values that are not numbers';
  const other = precision === 'stored' || precision === 'f32' ? '' : 'load it in another precision, or ';
  return `This model ${found}: its answers will mean little. Its weights may be damaged or untrained: ${other}delete it and load it again.`;
}

/** The doubt about a loaded model, checked on {@link CHECK_TEXT} and a small blank picture; null when there is none. */
export async function doubtOf(
  reasoner: Pick<Reasoner, 'model' | 'processor' | 'see'>,
): Promise<string | null> {
  const { model, processor } = reasoner;
  const ids = processor.tokenizer.encodePlain(CHECK_TEXT);
  const data = new Uint8Array(EDGE * EDGE * 3).fill(200);
  const image = reasoner.see({ width: EDGE, height: EDGE, channels: 3, data }, IMAGE_TOKENS);
  return weightDoubt(await checkWeights(model, ids, image), model.precision);
}
