// The check after loading: trained weights pass on text that they know, damaged and random ones are doubted in words.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { Reasoner } from '../../src/lookback/reasoner';
import { checkWeights, doubtOf, perplexityLimit, weightDoubt } from '../../src/lookback/weight_check';
import { memorySource, parseSafetensors } from '../../src/model/safetensors';
import { type ModelFiles, VisionLanguageModel } from '../../src/model/vision_language_model';
import { familyCheckpoint, filesIn } from '../harness/family_checkpoint';
import { loadFixtureJson } from '../harness/fixture';
import { testGpu } from '../harness/gpu';
import { hasModel, pocketFiles } from '../harness/pocket';

let gpu: GpuContext;
let ids: readonly number[];
beforeAll(async () => {
  gpu = await testGpu();
  const { scenes } = await loadFixtureJson<{ scenes: { prompt_ids: number[]; ids: number[] }[] }>(
    'pocket/greedy_tokens.json',
  );
  const [scene] = scenes;
  // Question and answer without the picture, which ids 3 to 5 stand for.
  ids = [...scene!.prompt_ids.filter((id) => id < 3 || id > 5), ...scene!.ids];
});
afterAll(() => gpu.fence());

/** Pocket with bytes of one tensor changed. `change` gets the bits of its bf16 values. */
async function damaged(tensor: string, change: (values: Uint16Array) => void): Promise<ModelFiles> {
  const files = pocketFiles('pocket');
  const source = (await files.open('model.safetensors'))!;
  const bytes = Uint8Array.from(await source.read(0, source.size));
  const file = await parseSafetensors('model.safetensors', bytes);
  const { begin, end, dtype } = file.tensors.get(tensor)!;
  expect(dtype).toBe('BF16');
  const values = new Uint16Array(bytes.slice(begin, end).buffer);
  change(values);
  bytes.set(new Uint8Array(values.buffer), begin);
  return {
    ...files,
    open: async (name) => (name === source.name ? memorySource(name, bytes) : files.open(name)),
  };
}

async function check(files: ModelFiles) {
  const model = await VisionLanguageModel.load(gpu, files);
  const { patchSize, temporalPatchSize } = model.config.vision;
  const width = 3 * (temporalPatchSize ?? 1) * patchSize ** 2;
  const image = { gridThw: [1, 8, 8] as const, pixelValues: new Float32Array(64 * width).fill(0.5) };
  const found = await checkWeights(model, ids, image);
  model.destroy();
  return found;
}

describe('checkWeights', () => {
  it('finds trained weights plausible on what they know', async (context) => {
    if (!(await hasModel('pocket'))) return context.skip('this model is not in the repository');
    const found = await check(pocketFiles('pocket'));
    expect(found.finite).toBe(true);
    // Pocket learned answers, not questions, which are half of the text.
    expect(found.perplexity).toBeLessThan(found.limit);
    expect(weightDoubt(found, 'stored')).toBeNull();
  });

  const DOWN = 'model.layers.1.mlp.down_proj.weight';
  it.each([
    ['one NaN in the decoder', DOWN, (values: Uint16Array) => values.fill(0x7fc0, 77, 78)],
    [
      'one NaN in the vision tower',
      'visual.merger.mlp.2.weight',
      (values: Uint16Array) => values.fill(0x7fc0, 5, 6),
    ],
    [
      'the highest bit of one exponent flipped',
      DOWN,
      (values: Uint16Array) => values.fill(values[9]! ^ 0x4000, 9, 10),
    ],
    ['zeros in the final norm', 'model.norm.weight', (values: Uint16Array) => values.fill(0)],
  ])('doubts pocket with %s', async (_, tensor, change) => {
    if (!(await hasModel('pocket'))) return;
    const found = await check(await damaged(tensor, change));
    expect(weightDoubt(found, 'int8')).toMatch(
      /its answers will mean little.*load it in another precision, or delete/,
    );
  });
});

describe('doubtOf', () => {
  it.each([
    ['tiny-qwen2_5_vl', 'tokenizer-qwen2'],
    ['tiny-smolvlm', 'tokenizer-smollm2'],
  ])('says of %s that it is random, and the model stays loaded', async (folder, tokenizer) => {
    const reasoner = await Reasoner.load(gpu, filesIn(folder, await familyCheckpoint(folder, tokenizer)));
    const limit = perplexityLimit(reasoner.model.config.text.vocabSize);
    expect(await doubtOf(reasoner)).toMatch(
      new RegExp(
        `finds plain English as unlikely as noise \\(perplexity [\\d.e+]+; trained models stay below ${limit}`,
      ),
    );
    reasoner.destroy();
  });
});

describe('perplexityLimit', () => {
  it('is a quarter of a small vocabulary, and 500 of a real one', () => {
    expect([160, 151_936].map(perplexityLimit)).toEqual([40, 500]);
  });
});

describe('weightDoubt', () => {
  it('names the number, and offers another precision only where there was a choice', () => {
    const found = { finite: true, perplexity: 12_345, limit: 500 };
    expect(weightDoubt(found, 'int4')).toContain('perplexity 1.23e+4; trained models stay below 500');
    expect(weightDoubt(found, 'stored')).not.toContain('precision');
    expect(weightDoubt({ ...found, perplexity: 20 }, 'int4')).toBeNull();
    expect(weightDoubt({ finite: false, perplexity: Number.NaN, limit: 500 }, 'int4')).toContain(
      'are not numbers',
    );
  });
});
