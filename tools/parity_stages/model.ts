// Computes the GPU stages of a model's fixture folder: vision tower, text layers, attention, logits, decode,
// generate, look-back. Inputs are the folder's ids and our own processor's pixels; no golden is fed back in, but for
// the ids of greedy decoding, which are compared themselves.

import type { GpuContext } from '../../src/gpu/device';
import { paddedHeadSize } from '../../src/kernels/attention_shape';
import { VisionLanguageModel } from '../../src/model/vision_language_model';
import type { ComputedRow, Wanted } from './computed_row';
import { decodeRows, generateRows } from './decode';
import type { FixtureDir } from './fixture_dir';
import {
  fixtureFiles,
  IO,
  type ParityWeights,
  type Prompt,
  type PromptRun,
  readPrompt,
  runPrompt,
  selectRows,
  storedWeights,
} from './prompt_run';
import { visionRows } from './vision';

/** Rows of every GPU stage of the folder's model. */
export async function* modelRows(
  gpu: GpuContext,
  dir: FixtureDir,
  wanted: Wanted,
  { files, precision }: ParityWeights = storedWeights(dir),
): AsyncGenerator<ComputedRow> {
  if (!dir.has('config.json') || !dir.has(IO)) return;
  const stages = ['vision', 'text', 'attention', 'logits', 'decode', 'generate', 'lookback'];
  if (!dir.tensors.some(({ stage, name }) => stages.includes(stage) && wanted(stage, name))) return;
  const model = await VisionLanguageModel.load(gpu, files, { precision });
  const prompt = await readPrompt(dir);
  try {
    yield* visionRows(dir, model, prompt, wanted);
    yield* promptRows(gpu, dir, model, prompt, wanted);
    yield* decodeRows(dir, model, prompt, wanted);
    yield* generateRows(dir, model, prompt, wanted);
  } finally {
    model.destroy();
  }
}

/** Heads without the zeros that fill them up to what the attention kernels take. */
function narrow(values: Float32Array, headDim: number): Float32Array {
  const padded = paddedHeadSize(headDim);
  return padded === headDim ? values : values.filter((_, i) => i % padded < headDim);
}

/** [tokens, heads, size] → [heads, tokens, size]. */
function headsFirst(values: Float32Array, tokens: number, heads: number): Float32Array {
  const size = values.length / tokens / heads;
  const out = new Float32Array(values.length);
  for (let t = 0; t < tokens; t++) {
    for (let h = 0; h < heads; h++)
      out.set(values.subarray((t * heads + h) * size, (t * heads + h + 1) * size), (h * tokens + t) * size);
  }
  return out;
}

async function* promptRows(
  gpu: GpuContext,
  dir: FixtureDir,
  model: VisionLanguageModel,
  prompt: Prompt,
  wanted: Wanted,
): AsyncGenerator<ComputedRow> {
  const specs = dir.ofStages(['text', 'attention', 'logits'], wanted).filter(({ file }) => file === IO);
  if (specs.length === 0) return;
  const { text } = model.config;
  const run = await runPrompt(gpu, model.device, prompt);
  const rows = dir.find(IO, 'rows')
    ? ((await dir.read({ file: IO, name: 'rows' })) as Int32Array)
    : Int32Array.from({ length: run.tokens }, (_, i) => i);
  for (const { name, stage, shape } of specs) {
    const kv = /^kv\.(\d+)\.([kv])$/.exec(name);
    const attention = /^attn\.(\d+)$/.exec(name);
    let actual: Float32Array | undefined;
    if (kv) {
      const heads = narrow(await run.read(`${kv[2]}.${kv[1]}`), text.headDim);
      actual = headsFirst(heads, run.tokens, text.numKeyValueHeads);
    }
    if (attention) actual = await probabilities(run, Number(attention[1]), rows, text);
    else if (name === 'logits') actual = selectRows(await run.read('logits'), text.vocabSize, rows);
    else if (name.startsWith('text.')) actual = await run.read(name);
    if (actual) yield { stage, file: IO, tensor: name, actual, shape };
  }
  run.destroy();
}

/** p = exp(scale · q·k − lse) from the kernel's own q, k and log-sum-exp: [heads, rows, keys], causal. */
async function probabilities(
  run: PromptRun,
  layer: number,
  rows: ArrayLike<number>,
  text: VisionLanguageModel['config']['text'],
): Promise<Float32Array> {
  const { numAttentionHeads: heads, numKeyValueHeads: kvHeads, headDim } = text;
  const [q, k] = [
    narrow(await run.read(`q.${layer}`), headDim),
    narrow(await run.read(`k.${layer}`), headDim),
  ];
  const lse = await run.read(`lse.${layer}`);
  const out = new Float32Array(heads * rows.length * run.tokens);
  for (let h = 0; h < heads; h++) {
    const kvHead = Math.floor((h * kvHeads) / heads);
    Array.from(rows).forEach((row, index) => {
      for (let key = 0; key <= row; key++) {
        let score = 0;
        for (let d = 0; d < headDim; d++)
          score +=
            (q[(row * heads + h) * headDim + d] ?? 0) * (k[(key * kvHeads + kvHead) * headDim + d] ?? 0);
        out[(h * rows.length + index) * run.tokens + key] = Math.exp(
          score * headDim ** -0.5 - (lse[row * heads + h] ?? 0),
        );
      }
    });
  }
  return out;
}

/** Every folder below variants/: its own goldens where it has them, else the logits of the main model. */
export async function* variantRows(
  gpu: GpuContext,
  dir: FixtureDir,
  wanted: Wanted,
): AsyncGenerator<ComputedRow> {
  if (!dir.has('config.json') || !dir.has(IO) || !wanted('logits', 'logits')) return;
  const prompt = await readPrompt(dir);
  for (const folder of dir.variants()) {
    const files = `variants/${folder}/${IO}`;
    const golden = dir.find(files, 'logits') ? files : IO;
    const model = await VisionLanguageModel.load(gpu, fixtureFiles(dir, `variants/${folder}`), {
      precision: 'stored',
    });
    const run = await runPrompt(gpu, model.device, prompt);
    const rows = (await dir.read({ file: golden, name: 'rows' })) as Int32Array;
    const actual = selectRows(await run.read('logits'), model.config.text.vocabSize, rows);
    const spec = dir.find(golden, 'logits');
    yield {
      stage: 'logits',
      file: golden,
      tensor: 'logits',
      label: golden === IO ? `variants/${folder}/logits` : undefined,
      actual,
      shape: spec?.shape ?? [],
    };
    run.destroy();
    model.destroy();
  }
}
