// Computes the stages of a fixture folder that decode: greedy steps with their attention, look-back shares, and
// generation by the folder's own settings.

import { sharesOf } from '../../src/generation/attention_recorder';
import { KEY_CLASS } from '../../src/kernels/sequence_words';
import { parseGenerationConfig } from '../../src/model/config';
import type { GenerationSession } from '../../src/model/generation_session';
import { rangeKeyClasses } from '../../src/model/kv_cache';
import type { SamplingOptions } from '../../src/model/prompt_packing';
import { readModelJson, type VisionLanguageModel } from '../../src/model/vision_language_model';
import type { ComputedRow, Wanted } from './computed_row';
import type { FixtureDir } from './fixture_dir';
import { fixtureFiles, IO, type Prompt, runPrompt } from './prompt_run';

const GREEDY: Omit<SamplingOptions, 'maxNewTokens'> = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  seed: 0,
};

interface DecodeStep {
  readonly id: number;
  readonly logits: Float32Array | undefined;
  /** [layers, heads, mapSize] and [layers, heads, 5] of the step's query. */
  readonly maps: Float32Array | undefined;
  readonly masses: Float32Array | undefined;
}

/** Greedy steps one at a time, with the classes of all keys replaced by `classes` before the first. */
async function decodeGreedy(
  model: VisionLanguageModel,
  prompt: Prompt,
  steps: number,
  classes: (capacity: number) => Uint32Array,
): Promise<DecodeStep[]> {
  const capacity = prompt.inputIds.length + steps + 1;
  const session = await model.createSession({
    batch: 1,
    capacity,
    capture: { mapLayers: 'all' },
    maxImageTokens: capacity,
    stepsAhead: 0,
    // The goldens go on past an end token.
    eosTokenIds: [],
  });
  try {
    const first = await session.prefill([prompt], [{ ...GREEDY, maxNewTokens: 0 }]);
    session.cache.writeKeyClasses(0, classes(capacity));
    const results: DecodeStep[] = [
      { id: first.ids[0] ?? -1, logits: undefined, maps: undefined, masses: undefined },
    ];
    for (let step = 1; step < steps; step++) {
      const { ids } = await session.step();
      const read = async (name: string): Promise<Float32Array> =>
        (await session.decodeProgram.read(name)) as Float32Array;
      results.push({
        id: ids[0] ?? -1,
        logits: await read('logits'),
        maps: await read('head_maps'),
        masses: await read('head_masses'),
      });
    }
    return results;
  } finally {
    session.destroy();
  }
}

/** Rows of the stages decode and lookback. */
export async function* decodeRows(
  dir: FixtureDir,
  model: VisionLanguageModel,
  prompt: Prompt,
  wanted: Wanted,
): AsyncGenerator<ComputedRow> {
  const specs = dir.ofStages(['decode', 'lookback'], wanted).filter(({ file }) => file === IO);
  if (specs.length === 0) return;
  const { text } = model.config;
  const steps = Math.max(
    dir.find(IO, 'decode.ids')?.shape[0] ?? 0,
    dir.find(IO, 'decode.logits')?.shape[0] ?? 0,
    ...dir.tensors.map(({ name, shape }) =>
      name === 'lookback.ratio' || name === 'lookback.sums'
        ? (shape[0] ?? 0) + 1
        : Number(/^decode\.attn\.(\d+)$/.exec(name)?.[1] ?? -1) + 1,
    ),
  );
  const every = (capacity: number): Uint32Array =>
    Uint32Array.from({ length: capacity }, (_, key) => KEY_CLASS.image | (key << 8));
  const run = await decodeGreedy(model, prompt, steps, every);
  const length = prompt.inputIds.length;
  const capacity = length + steps + 1;
  for (const { name, stage, shape } of specs.filter(({ stage }) => stage === 'decode')) {
    const attention = /^decode\.attn\.(\d+)$/.exec(name);
    let actual: Float32Array | Int32Array | undefined;
    if (name === 'decode.ids') actual = Int32Array.from(run.slice(0, shape[0]), ({ id }) => id);
    else if (name === 'decode.logits') actual = await decodeLogits(model, prompt, run.slice(0, shape[0]));
    else if (attention)
      actual = cropMaps(
        run[Number(attention[1])]?.maps,
        text.numHiddenLayers * text.numAttentionHeads,
        capacity,
        length + Number(attention[1]),
      );
    if (actual) yield { stage, file: IO, tensor: name, actual, shape };
  }
  if (specs.some(({ stage }) => stage === 'lookback')) yield* lookbackRows(specs, model, prompt, steps);
}

async function decodeLogits(
  model: VisionLanguageModel,
  prompt: Prompt,
  steps: readonly DecodeStep[],
): Promise<Float32Array> {
  const { vocabSize } = model.config.text;
  const run = await runPrompt(model.device.gpu, model.device, prompt);
  const out = new Float32Array(steps.length * vocabSize);
  out.set((await run.read('logits')).subarray((run.tokens - 1) * vocabSize, run.tokens * vocabSize));
  run.destroy();
  steps.forEach(({ logits }, index) => {
    if (logits) out.set(logits, index * vocabSize);
  });
  return out;
}

function cropMaps(
  maps: Float32Array | undefined,
  rows: number,
  width: number,
  keys: number,
): Float32Array | undefined {
  if (!maps) return undefined;
  const out = new Float32Array(rows * keys);
  for (let row = 0; row < rows; row++) out.set(maps.subarray(row * width, row * width + keys), row * keys);
  return out;
}

/** First image token, tokens of the first image, prompt length. */
function lookbackRanges(prompt: Prompt, imageTokenId: number): [number, number, number] {
  const start = prompt.inputIds.indexOf(imageTokenId);
  let end = start;
  while (prompt.inputIds[end] === imageTokenId) end++;
  return [start, end - start, prompt.inputIds.length];
}

async function* lookbackRows(
  specs: readonly { name: string; stage: string; shape: readonly number[] }[],
  model: VisionLanguageModel,
  prompt: Prompt,
  steps: number,
): AsyncGenerator<ComputedRow> {
  const { imageTokenId, text } = model.config;
  const ranges = lookbackRanges(prompt, imageTokenId);
  const withRest =
    (classes: Uint32Array) =>
    (capacity: number): Uint32Array => {
      const all = new Uint32Array(capacity).fill(KEY_CLASS.generated);
      all.set(classes);
      return all;
    };
  const masked = Uint32Array.from(prompt.inputIds, (id, at) =>
    at < ranges[0] ? KEY_CLASS.beforeImage : id === imageTokenId ? KEY_CLASS.image : KEY_CLASS.query,
  );
  const byRange = await decodeGreedy(model, prompt, steps, withRest(rangeKeyClasses(...ranges)));
  const byMask = await decodeGreedy(model, prompt, steps, withRest(masked));
  for (const { name, stage, shape } of specs.filter((spec) => spec.stage === 'lookback')) {
    let actual: Float32Array | Int32Array | undefined;
    if (name === 'lookback.ranges') actual = Int32Array.from(ranges);
    else if (name === 'lookback.sums')
      actual = Float32Array.from(byRange.slice(1).flatMap(({ masses }) => [...(masses ?? [])]));
    else if (name === 'lookback.ratio') actual = shareRows(byRange, text.numHiddenLayers);
    else if (name === 'lookback.mask_ratio') actual = shareRows(byMask, text.numHiddenLayers);
    const count = shape.reduce((a, b) => a * b, 1);
    if (actual)
      yield { stage, file: IO, tensor: name, actual: actual.subarray(0, count) as typeof actual, shape };
  }
}

function shareRows(steps: readonly DecodeStep[], layers: number): Float32Array {
  return Float32Array.from(
    steps.slice(1).flatMap(({ masses }) => {
      const { image, query, generated } = sharesOf(headMean(masses ?? new Float32Array(0), layers));
      return [image, query, generated];
    }),
  );
}

function headMean(masses: Float32Array, layers: number): Float32Array {
  const heads = masses.length / layers / 5;
  const out = new Float32Array(layers * 5);
  masses.forEach((value, index) => {
    const cell = Math.floor(index / heads / 5) * 5 + (index % 5);
    out[cell] = (out[cell] ?? 0) + value / heads;
  });
  return out;
}

/** The ids of the generate stage. */
export async function* generateRows(
  dir: FixtureDir,
  model: VisionLanguageModel,
  prompt: Prompt,
  wanted: Wanted,
): AsyncGenerator<ComputedRow> {
  const spec = dir.find(IO, 'generate.ids');
  if (!spec || !wanted(spec.stage, spec.name)) return;
  const generation = parseGenerationConfig(
    await readModelJson(fixtureFiles(dir), 'generation_config.json'),
    model.config,
  );
  const count = spec.shape[0] ?? 0;
  const sampling: SamplingOptions = {
    ...generation,
    temperature: generation.doSample ? generation.temperature : 0,
    seed: 0,
    maxNewTokens: count,
  };
  const session: GenerationSession = await model.createSession({
    batch: 1,
    capacity: prompt.inputIds.length + count + 1,
    eosTokenIds: generation.eosTokenIds,
  });
  const first = await session.prefill([prompt], [sampling]);
  const ids = [first.ids[0] ?? -1];
  let done = first.done[0];
  while (!done && ids.length < count) {
    const step = await session.step();
    ids.push(step.ids[0] ?? -1);
    done = step.done[0];
  }
  session.destroy();
  yield { stage: spec.stage, file: IO, tensor: spec.name, actual: Int32Array.from(ids), shape: spec.shape };
}
