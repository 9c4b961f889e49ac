// PEFT adapters in: the config's meaning, both key styles, refusals by name, and the logits that PEFT computes.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { LoraAdapter, loraScale, trainableModules } from '../../src/model/lora';
import { parseLoraConfig, readLora } from '../../src/model/peft_reader';
import { packPrompts, packVision } from '../../src/model/prompt_packing';
import { buildVisionProgram, tracePrompt } from '../../src/model/prompt_program';
import { parseSafetensors, writeSafetensors } from '../../src/model/safetensors';
import { VisionLanguageModel } from '../../src/model/vision_language_model';
import { Program } from '../../src/tensor/program';
import { loadFixture, loadFixtureJson } from '../harness/fixture';
import { testGpu } from '../harness/gpu';
import { fixtureImages, fixtureModel, loadGoldens, maxDifference } from '../harness/model_fixture';

const FOLDER = 'tiny-qwen2_5_vl';
let gpu: GpuContext;
let model: VisionLanguageModel;
beforeAll(async () => {
  gpu = await testGpu();
  model = await VisionLanguageModel.load(gpu, fixtureModel(FOLDER, ['config.json', 'model.safetensors']));
});
afterAll(async () => {
  model.destroy();
  await gpu.fence();
});

const adapterJson = async () =>
  (await loadFixtureJson(`${FOLDER}/adapter/adapter_config.json`)) as Record<string, unknown>;
const adapterFile = async () =>
  parseSafetensors('adapter', await loadFixture(`${FOLDER}/adapter/adapter_model.safetensors`));

describe('parseLoraConfig', () => {
  it('reads what PEFT writes', async () => {
    const config = parseLoraConfig(await adapterJson());
    expect(config).toMatchObject({ r: 4, loraAlpha: 8, useRslora: false });
    expect(loraScale(config, 'a')).toBe(2);
    expect(loraScale({ ...config, useRslora: true }, 'a')).toBe(4);
    expect(loraScale({ ...config, ranks: { a: 2 }, alphas: { b: 12 } }, 'a')).toBe(4);
    expect(loraScale({ ...config, ranks: { a: 2 }, alphas: { b: 12 } }, 'b')).toBe(3);
  });

  it.each([
    ['peft_type', 'IA3', /peft_type must be "LORA"/],
    ['use_dora', true, /use_dora asks for something/],
    ['r', 0, /r must be a whole number/],
    ['rank_pattern', { q_proj: 0 }, /rank_pattern of "q_proj" must be a whole number/],
    ['rank_pattern', [4], /rank_pattern is not an object/],
    ['alpha_pattern', { q_proj: 'x' }, /alpha_pattern of "q_proj" must be a number/],
    ['target_modules', [3], /target_modules must be/],
    ['lora_alpha', 'x', /lora_alpha must be a number/],
  ])('refuses %s = %j', async (key, value, message) => {
    const json = { ...(await adapterJson()), [key]: value };
    expect(() => parseLoraConfig(json)).toThrow(message);
  });
});

describe('readLora', () => {
  it('reads every module of the fixture', async () => {
    const { weights } = await readLora(await adapterJson(), await adapterFile(), model.config);
    expect(weights.map(({ module }) => module)).toEqual([...trainableModules(model.config).keys()]);
  });

  it.each([
    ['base_model.model.lm_head.lora_A.weight', [4, 96], /belongs to no linear layer/],
    ['base_model.model.model.visual.patch_embed.proj.lora_A.weight', [4, 96], /belongs to no linear layer/],
    ['base_model.model.visual.blocks.0.attn.qkv.lora_A.weight', [4, 41], /is \[4, 41\], expected \[4, 40\]/],
    [
      'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight',
      [3, 96],
      /is \[3, 96\], expected \[4, 96\]/,
    ],
    ['base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight', [96, 4], /lacks its lora_A/],
  ])('refuses %s %j', async (name, shape, message) => {
    const data = new Uint8Array(4 * shape.reduce((a, b) => a * b, 1));
    const file = await parseSafetensors('a', writeSafetensors([{ name, dtype: 'F32', shape, bytes: data }]));
    await expect(readLora(await adapterJson(), file, model.config)).rejects.toThrow(message);
  });
});

describe('LoraAdapter', () => {
  it('gives the logits of Hugging Face with PEFT, and of the base at strength 0', async () => {
    const { config, weights } = await readLora(await adapterJson(), await adapterFile(), model.config);
    const adapter = LoraAdapter.create(gpu, config, model.config, weights, false);
    const goldens = await loadGoldens(`${FOLDER}/io.safetensors`);
    const images = await fixtureImages(goldens);
    const vision = await buildVisionProgram(model.device, 92);
    for (const [name, data] of Object.entries(packVision(images, model.config, 92)))
      vision.program.write(name, data);
    await vision.program.run();
    const inputIds = [...(await goldens.integers('input_ids'))];
    const packed = packPrompts([{ inputIds, images }], model.config, 64, (live) => live, 1);
    const device = { ...model.device, weights: adapter.applyTo(model.weights) };
    const program = await Program.compile(gpu, 'adapted', (trace) => {
      trace.output(
        'logits',
        tracePrompt(
          trace,
          device,
          { tokens: inputIds.length, batch: 1, allRows: true },
          { features: vision.features },
        ),
      );
    });
    for (const [name, data] of Object.entries(packed.inputs))
      if (program.hasInput(name)) program.write(name, data);
    await program.run();
    const adapted = await (await loadGoldens(`${FOLDER}/lora.safetensors`)).floats('logits');
    expect(maxDifference(await program.read('logits'), adapted)).toBeLessThan(5e-4);
    adapter.setStrength(0);
    await program.run();
    expect(maxDifference(await program.read('logits'), await goldens.floats('logits'))).toBeLessThan(5e-4);
    program.destroy();
    vision.destroy();
    adapter.destroy();
  });
});
