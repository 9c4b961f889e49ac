// Every family: the specs of real and tiny checkpoints, and what each refuses in their settings.
import { describe, expect, it } from 'vitest';
import { parseImageProcessor, parseModelConfig } from '../../../src/model/config';
import { parseSafetensors } from '../../../src/model/safetensors';
import { canonicalName, checkWeights, expectedShapes, LM_HEAD } from '../../../src/model/weight_names';
import { loadFixture, loadFixtureJson } from '../../harness/fixture';
import { REAL_CONFIGS } from './real_configs';

type Json = Record<string, unknown>;

/** A deep copy with the value at a dotted path replaced, or removed when undefined. */
function withValue(json: Json, path: string, value: unknown): Json {
  const copy = structuredClone(json);
  const keys = path.split('.');
  const last = keys.pop() as string;
  const parent = keys.reduce((object, key) => object[key] as Json, copy);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return copy;
}

describe('published checkpoints', () => {
  it.each(Object.entries(REAL_CONFIGS))('%s has the tensors and values of its index', (_, real) => {
    const spec = parseModelConfig(real.json);
    const shapes = expectedShapes(spec);
    if (spec.tieWordEmbeddings) shapes.delete(LM_HEAD);
    const values = [...shapes.values()].map((shape) => shape.reduce((a, b) => a * b));
    expect(values.length).toBe(real.tensors);
    expect(values.reduce((a, b) => a + b)).toBe(real.parameters);
  });

  it('has the rotary streams of Qwen3-VL in turn', () => {
    const { streams } = parseModelConfig(REAL_CONFIGS['Qwen3-VL-2B']!.json).text.rope;
    expect(streams.slice(0, 7)).toEqual([0, 1, 2, 0, 1, 2, 0]);
    expect(streams.slice(57)).toEqual([0, 1, 2, 0, 0, 0, 0]);
    expect([0, 1, 2].map((stream) => streams.filter((own) => own === stream).length)).toEqual([24, 20, 20]);
  });
});

describe.each(['tiny-qwen2_vl', 'tiny-qwen3_vl'])('%s', (folder) => {
  it('has a place for every tensor of its checkpoint', async () => {
    const spec = parseModelConfig(await loadFixtureJson(`${folder}/config.json`));
    const file = await parseSafetensors('model', await loadFixture(`${folder}/model.safetensors`));
    const { sources, tied } = checkWeights(spec, file.tensors);
    expect(new Set(sources.values())).toEqual(new Set(file.tensors.keys()));
    expect(tied).toBe(true);
  });

  it.each([
    ['released', 'visual.', 'model.'],
    ['of transformers since 4.52', 'model.visual.', 'model.language_model.'],
    ['of a base model alone', 'visual.', 'language_model.'],
  ])('finds every tensor under the prefixes %s', async (_, vision, text) => {
    const spec = parseModelConfig(await loadFixtureJson(`${folder}/config.json`));
    const file = await parseSafetensors('model', await loadFixture(`${folder}/model.safetensors`));
    const renamed = new Map(
      [...file.tensors].map(([name, entry]) => {
        const canonical = canonicalName(name, spec);
        return [canonical.replace('model.visual.', vision).replace('model.language_model.', text), entry];
      }),
    );
    expect([...checkWeights(spec, renamed).sources.keys()].sort()).toEqual(
      [...checkWeights(spec, file.tensors).sources.keys()].sort(),
    );
  });

  it('reads its processor, whose patches must be the tower’s', async () => {
    const spec = parseModelConfig(await loadFixtureJson(`${folder}/config.json`));
    const json = await loadFixtureJson<Json>(`${folder}/preprocessor_config.json`);
    const images = parseImageProcessor(json, spec);
    const image = { width: 40, height: 24, channels: 3, data: new Uint8Array(40 * 24 * 3) };
    expect(images.process(image).gridThw).toEqual([1, 6, 10]);
    const wrong = { ...json, temporal_patch_size: 1 };
    expect(() => parseImageProcessor(wrong, spec)).toThrow('temporal_patch_size (1) differs');
  });
});

const WRONG: Readonly<Record<string, readonly [string, unknown, string][]>> = {
  'tiny-qwen2_vl': [
    ['vision_config.embed_dim', undefined, 'vision_config.embed_dim is missing'],
    ['vision_config.embed_dim', 42, 'heads divisible by 4'],
    ['vision_config.hidden_act', 'gelu', 'must be "quick_gelu"'],
    ['vision_config.hidden_size', 40, 'must equal the text hidden_size'],
    ['vision_config.mlp_ratio', undefined, 'mlp_ratio is missing'],
    ['text_config.rope_parameters.rope_type', 'yarn', '"yarn" is not supported'],
    ['text_config.rope_parameters.partial_rotary_factor', 0.5, 'must be 1'],
    ['text_config.layer_types', ['full_attention', 'sliding_attention'], 'has "sliding_attention"'],
    ['vision_config.rope_parameters.rope_type', 'linear', '"linear" is not supported'],
  ],
  'tiny-qwen3_vl': [
    ['text_config.head_dim', undefined, 'text_config.head_dim is missing'],
    ['text_config.head_dim', 15, 'must be even'],
    ['text_config.attention_bias', true, 'attention_bias is not supported'],
    ['text_config.rope_parameters.mrope_interleaved', false, 'must be true'],
    ['text_config.rope_parameters.mrope_interleaved', undefined, 'mrope_interleaved is missing'],
    ['text_config.rope_parameters.mrope_section', [4, 4, 2], 'must sum to half the head size (8)'],
    ['vision_config.hidden_act', 'gelu', 'must be "gelu_pytorch_tanh"'],
    ['vision_config.num_position_embeddings', 37, 'must be a square'],
    ['vision_config.deepstack_visual_indexes', [4], 'from 0 to 3'],
    ['vision_config.deepstack_visual_indexes', [0, 1, 2, 3], 'names 4 blocks for 3 text layers'],
    ['vision_config.out_hidden_size', 40, 'must equal the text hidden_size'],
  ],
};

describe.each(Object.entries(WRONG))('settings of %s', (folder, cases) => {
  it.each(cases)('refuses %s = %j', async (path, value, message) => {
    const json = withValue(await loadFixtureJson<Json>(`${folder}/config.json`), path, value);
    expect(() => parseModelConfig(json)).toThrow(message);
  });
});
