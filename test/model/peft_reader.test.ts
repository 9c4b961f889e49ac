// Adapters that reach vision tower and connector, as PEFT saved them: ranks and alphas by pattern, and the way out again.

import { describe, expect, it } from 'vitest';
import { parseModelConfig } from '../../src/model/config';
import { adaptableModules, loraRank, loraScale } from '../../src/model/lora';
import { writeAdapterConfig, writeAdapterWeights } from '../../src/model/peft';
import { readLora } from '../../src/model/peft_reader';
import { parseSafetensors, type TensorData, writeSafetensors } from '../../src/model/safetensors';
import { loadFixture, loadFixtureJson } from '../harness/fixture';

const FAMILIES = ['tiny-qwen2_5_vl', 'tiny-qwen2_vl', 'tiny-qwen3_vl', 'tiny-smolvlm'];

async function fixture(folder: string) {
  const model = parseModelConfig(await loadFixtureJson(`${folder}/config.json`));
  const json = (await loadFixtureJson(`${folder}/adapter-tower/adapter_config.json`)) as Record<
    string,
    unknown
  >;
  const bytes = await loadFixture(`${folder}/adapter-tower/adapter_model.safetensors`);
  return { model, json, file: await parseSafetensors('adapter_model.safetensors', bytes) };
}

/** The file's tensors under other names. */
async function renamed(file: Awaited<ReturnType<typeof fixture>>['file'], rename: (name: string) => string) {
  const tensors: TensorData[] = [];
  for (const [name, { dtype, shape }] of file.tensors)
    tensors.push({ name: rename(name), dtype, shape, bytes: await file.read(name) });
  return parseSafetensors('renamed.safetensors', writeSafetensors(tensors));
}

describe('readLora', () => {
  it.each(['tiny-qwen2_5_vl', 'tiny-qwen3_vl'])(
    'finds every linear layer of %s in what all-linear made',
    async (folder) => {
      const { model, json, file } = await fixture(folder);
      const { weights } = await readLora(json, file, model);
      expect(weights.map(({ module }) => module)).toEqual([...adaptableModules(model).keys()]);
    },
  );

  it('resolves rank_pattern and alpha_pattern as PEFT does', async () => {
    const { model, json, file } = await fixture('tiny-qwen2_5_vl');
    const { config } = await readLora(json, file, model);
    const of = (module: string) => [loraRank(config, module), loraScale(config, module)];
    expect(of('model.language_model.layers.1.self_attn.q_proj')).toEqual([5, 6 / 5]);
    expect(of('model.visual.blocks.1.mlp.up_proj')).toEqual([1, 6]);
    expect(of('model.visual.blocks.0.mlp.up_proj')).toEqual([3, 2]);
    expect(of('model.language_model.layers.2.mlp.down_proj')).toEqual([3, 0.5]);
    expect(of('model.language_model.layers.1.mlp.down_proj')).toEqual([3, 2]);
    expect(of('model.visual.merger.mlp.0')).toEqual([3, 3]);
  });

  it('matches patterns against the names of the file, where these are the old ones', async () => {
    const { model, json, file } = await fixture('tiny-qwen2_5_vl');
    const old = await renamed(file, (name) =>
      name.replace('model.language_model.', 'model.').replace('model.model.visual.', 'model.visual.'),
    );
    const rank_pattern = { '^model.layers.1.self_attn.q_proj': 5, q_proj: 5, '^visual.blocks.1.*': 1 };
    const { config, weights } = await readLora({ ...json, rank_pattern }, old, model);
    expect(weights.length).toBe(adaptableModules(model).size);
    expect(config.ranks).toMatchObject({
      'model.language_model.layers.1.self_attn.q_proj': 5,
      'model.visual.blocks.1.attn.qkv': 1,
    });
  });

  it('takes the first pattern that matches', async () => {
    const { model, json, file } = await fixture('tiny-qwen2_5_vl');
    const alpha_pattern = {
      '.*layers.1.*': 1,
      q_proj: 2,
      'layers.1.self_attn.q_proj': 3,
      'self_attn.\\w_proj': 4,
    };
    const { config } = await readLora({ ...json, alpha_pattern }, file, model);
    const { alphas } = config;
    expect(alphas?.['model.language_model.layers.1.self_attn.q_proj']).toBe(1);
    expect(alphas?.['model.language_model.layers.0.self_attn.q_proj']).toBe(2);
    expect(alphas?.['model.language_model.layers.0.self_attn.k_proj']).toBe(4);
    expect(alphas?.['model.language_model.layers.0.mlp.up_proj']).toBeUndefined();
  });

  it.each([
    [{ rank_pattern: {} }, /blocks\.1\.attn\.qkv\.lora_A\.weight" is \[1, 40\], expected \[3, 40\]/],
    [{ rank_pattern: { '(?!x).*': 2 } }, /rank_pattern of "\(\?!x\)\.\*" is not understood/],
    [{ alpha_pattern: { [`(${'a|'.repeat(2100)}a)`]: 2 } }, /alpha_pattern of .* is not understood/],
  ])('refuses %j', async (change, message) => {
    const { model, json, file } = await fixture('tiny-qwen2_5_vl');
    await expect(readLora({ ...json, ...change }, file, model)).rejects.toThrow(message);
  });

  it.each(FAMILIES)('gets back from its own export what it read of %s, bit for bit', async (folder) => {
    const { model, json, file } = await fixture(folder);
    const { config, weights } = await readLora(json, file, model);
    const modules = weights.map(({ module }) => module);
    const text = writeAdapterConfig({ ...config, loraDropout: 0 }, modules);
    const bytes = writeAdapterWeights(weights, config);
    const again = await readLora(JSON.parse(text), await parseSafetensors('own', bytes), model);
    expect(again.weights).toEqual(weights);
    expect({ ...again.config, targetModules: null }).toEqual({ ...config, targetModules: null });
    // PEFT finds the very same tensors.
    const own = await parseSafetensors('own', bytes);
    for (const [name, { shape }] of file.tensors) {
      expect(own.tensors.get(name)?.shape).toEqual(shape);
      expect(await own.read(name)).toEqual(await file.read(name));
    }
    const { target_modules: targets, exclude_modules: excluded } = JSON.parse(text) as Record<
      string,
      unknown
    >;
    expect([targets, excluded]).toEqual([[...modules].sort(), null]);
  });
});
