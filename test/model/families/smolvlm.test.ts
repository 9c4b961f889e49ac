// SmolVLM's configuration files as transformers saves and as the hub has them, and what the engine refuses.
import { beforeAll, describe, expect, it } from 'vitest';
import type { PixelArray } from '../../../src/data/image/pillow_resize';
import { parseImageProcessor, parseModelConfig } from '../../../src/model/config';
import { packVision } from '../../../src/model/prompt_packing';
import { canonicalAdapterName, canonicalName, expectedShapes } from '../../../src/model/weight_names';
import { loadFixtureJson } from '../../harness/fixture';

type Json = Record<string, unknown>;

let config: Json;
let images: Json;

beforeAll(async () => {
  config = await loadFixtureJson<Json>('tiny-smolvlm/config.json');
  images = await loadFixtureJson<Json>('tiny-smolvlm/preprocessor_config.json');
});

/** The fixture's config with keys of its parts set, or removed when undefined. */
function changed(root: Json, text: Json = {}, vision: Json = {}): Json {
  const parts = { text_config: config.text_config as Json, vision_config: config.vision_config as Json };
  const all: Json = {
    ...config,
    text_config: { ...parts.text_config, ...text },
    vision_config: { ...parts.vision_config, ...vision },
    ...root,
  };
  return JSON.parse(JSON.stringify(all)) as Json;
}

describe('readSpec', () => {
  it('describes a tower of tiles, a plain decoder and a connector without bias', () => {
    const spec = parseModelConfig(config);
    expect(spec.text).toMatchObject({ qkvBias: false, qkNorm: false, headDim: 8 });
    expect(spec.text.rope).toEqual({ theta: 100000, kind: 'linear', streams: [0, 0, 0, 0] });
    expect(spec.vision).toMatchObject({
      temporalPatchSize: null,
      spatialMergeSize: 2,
      positions: { side: 4, reading: 'exact' },
      windows: null,
    });
    expect(spec).toMatchObject({ imageTokenId: 151, videoTokenId: null, eosTokenIds: [2], padTokenId: 2 });
  });

  it('reads the files of both versions, which leave out what is usual', () => {
    const idefics3 = changed(
      { model_type: 'idefics3' },
      { hidden_act: undefined, rope_parameters: undefined, rope_theta: 100000, qk_layer_norms: false },
    );
    const { modelType, ...rest } = parseModelConfig(config);
    expect(parseModelConfig(idefics3)).toEqual({ modelType: 'idefics3', ...rest });
    expect(modelType).toBe('smolvlm');
    const short = { num_hidden_layers: undefined, intermediate_size: undefined, layer_norm_eps: undefined };
    expect(parseModelConfig(changed({}, {}, short)).vision).toMatchObject({
      depth: 12,
      intermediateSize: 3072,
      norm: { kind: 'layer', eps: 1e-6 },
    });
  });

  it('takes no pad token from another vocabulary', () => {
    expect(parseModelConfig(changed({ pad_token_id: 128002 })).padTokenId).toBe(2);
    const none = changed({ pad_token_id: 128002 }, { pad_token_id: undefined });
    expect(parseModelConfig(none).padTokenId).toBeNull();
  });

  it.each<[string, Json, Json, Json]>([
    ['text_config.attention_bias', {}, { attention_bias: true }, {}],
    ['text_config.mlp_bias', {}, { mlp_bias: true }, {}],
    ['text_config.qk_layer_norms', {}, { qk_layer_norms: true }, {}],
    ['text_config.use_resampler', {}, { use_resampler: true }, {}],
    ['text_config.hidden_act', {}, { hidden_act: 'gelu' }, {}],
    ['rope_type', {}, { rope_parameters: { rope_theta: 1e5, rope_type: 'llama3' } }, {}],
    ['vision_config.hidden_act', {}, {}, { hidden_act: 'gelu' }],
    ['vision_config.image_size', {}, {}, { image_size: 20 }],
    ['vision_config.num_attention_heads', {}, {}, { num_attention_heads: 8 }],
    ['vision_config.num_channels', {}, {}, { num_channels: 4 }],
    ['scale_factor', { scale_factor: undefined }, {}, {}],
    ['image_token_id', { image_token_id: 160 }, {}, {}],
  ])('refuses another %s by name', (key, root, text, vision) => {
    expect(() => parseModelConfig(changed(root, text, vision))).toThrow(key);
  });

  it('finds weights and adapters under their names, of the whole model or of its inner one', () => {
    const spec = parseModelConfig(config);
    const shapes = expectedShapes(spec);
    expect(shapes.get('model.vision_model.encoder.layers.1.self_attn.q_proj.bias')).toEqual([24]);
    expect(shapes.get('model.connector.modality_projection.proj.weight')).toEqual([48, 96]);
    expect(canonicalName('text_model.norm.weight', spec)).toBe('model.text_model.norm.weight');
    expect(canonicalName('lm_head.weight', spec)).toBe('lm_head.weight');
    const saved = 'base_model.model.model.text_model.layers.0.mlp.up_proj.lora_B.weight';
    expect(canonicalAdapterName(saved, spec)).toEqual({
      module: 'model.text_model.layers.0.mlp.up_proj',
      spelling: 'model.text_model.layers.0.mlp.up_proj',
      factor: 'B',
    });
  });
});

describe('readImages', () => {
  const picture: PixelArray = { width: 3, height: 2, channels: 3, data: new Uint8Array(18) };

  it('cuts pictures unless the file says not to', () => {
    const spec = parseModelConfig(config);
    const { do_image_splitting: _, ...silent } = images;
    expect(parseImageProcessor(silent, spec).process(picture)).toMatchObject({
      gridThw: [5, 4, 4],
      split: { rows: 2, cols: 2 },
      width: 32,
      height: 32,
    });
    const whole = parseImageProcessor({ ...images, do_image_splitting: false }, spec).process(picture);
    expect(whole).toMatchObject({ gridThw: [1, 4, 4], split: { rows: 0, cols: 0 }, width: 16, height: 16 });
  });

  it.each<[string, Json]>([
    ['resample', { resample: 3 }],
    ['max_image_size', { max_image_size: { longest_edge: 32 } }],
    ['size.longest_edge', { size: { height: 32, width: 32 } }],
    ['size.longest_edge', { size: { longest_edge: 8192 } }],
    ['do_normalize', { do_normalize: false }],
  ])('refuses another %s by name', (key, change) => {
    expect(() => parseImageProcessor({ ...images, ...change }, parseModelConfig(config))).toThrow(key);
  });

  it('refuses a grid for which there are no positions', () => {
    const image = { pixelValues: new Float32Array(36 * 48), gridThw: [1, 6, 6] as const };
    expect(() => packVision([image], parseModelConfig(config), 36)).toThrow('4 × 4 positions');
  });
});
