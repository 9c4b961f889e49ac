// Which tensors become one weight, what each weight serves and in which format it is kept.

import { describe, expect, it } from 'vitest';
import { parseModelConfig } from '../../src/model/config';
import { parseSafetensors } from '../../src/model/safetensors';
import { cacheFormatOf, WEIGHT_PRECISIONS, weightGroups } from '../../src/model/weight_layout';
import { checkWeights, LM_HEAD, type WeightEntry } from '../../src/model/weight_names';
import { loadFixture, loadFixtureJson } from '../harness/fixture';

const FOLDER = 'tiny-qwen2_5_vl';

async function tiny(change: (name: string, entry: WeightEntry) => WeightEntry = (_, entry) => entry) {
  const config = parseModelConfig(await loadFixtureJson(`${FOLDER}/config.json`));
  const file = await parseSafetensors('m', await loadFixture(`${FOLDER}/model.safetensors`));
  const tensors = new Map([...file.tensors].map(([name, entry]) => [name, change(name, entry)]));
  return { config, tensors, sources: checkWeights(config, tensors).sources };
}

describe('weightGroups', () => {
  it('fuses projections that share an input, rows in order, and flattens the patch projection', async () => {
    const { config, tensors, sources } = await tiny();
    const groups = new Map(
      weightGroups(config, tensors, sources, 'stored').map((group) => [group.name, group]),
    );
    const qkv = groups.get('model.language_model.layers.1.self_attn.qkv_proj.weight')!;
    expect(qkv.shape).toEqual([160, 96]);
    expect(qkv.parts.map(({ rows }) => rows)).toEqual([96, 32, 32]);
    expect(qkv.parts.map(({ source }) => /([qkv])_proj/.exec(source)?.[1])).toEqual(['q', 'k', 'v']);
    expect(groups.get('model.language_model.layers.1.self_attn.qkv_proj.bias')).toMatchObject({
      shape: [160],
      role: 'vector',
      format: 'f32',
    });
    expect(groups.get('model.visual.patch_embed.proj.weight')).toMatchObject({
      shape: [40, 96],
      role: 'vision',
      format: 'bf16',
    });
    expect(groups.get('model.language_model.embed_tokens.weight')).toMatchObject({
      role: 'vocabulary',
      format: 'bf16',
    });
    expect(groups.get(LM_HEAD)).toMatchObject({ role: 'vocabulary' });
    // Every tensor of the checkpoint is in exactly one weight.
    const parts = [...groups.values()].flatMap((group) => group.parts.map(({ source }) => source));
    expect(parts.sort()).toEqual([...tensors.keys()].sort());
  });

  it('widens matrices on demand, and fused ones whose parts are stored differently', async () => {
    const { config, tensors, sources } = await tiny((name, entry) =>
      name.includes('layers.0.mlp.up_proj') ? { ...entry, dtype: 'F16' } : entry,
    );
    const formats = (precision: 'stored' | 'f32') =>
      new Map(
        weightGroups(config, tensors, sources, precision).map(({ name, format }) => [name, format] as const),
      );
    const mlp = (layer: number) => `model.language_model.layers.${layer}.mlp.gate_up_proj.weight`;
    expect([formats('stored').get(mlp(0)), formats('stored').get(mlp(1))]).toEqual(['f32', 'bf16']);
    expect(new Set(formats('f32').values())).toEqual(new Set(['f32']));
  });
});

describe('cacheFormatOf', () => {
  it('keeps small models, and those in f32, exactly', () => {
    for (const precision of WEIGHT_PRECISIONS) {
      expect(cacheFormatOf(precision, 2 ** 25 - 1)).toBe('f32');
      expect(cacheFormatOf(precision, 2 ** 25)).toBe(precision === 'f32' ? 'f32' : 'f16');
    }
  });
});
