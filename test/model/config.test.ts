// Nested and flat configs of Hugging Face, and every way in which they can be wrong.
import { describe, expect, it } from 'vitest';
import { LookBackError } from '../../src/lib/errors';
import { parseGenerationConfig, parseImageProcessor, parseModelConfig } from '../../src/model/config';
import { loadFixtureJson } from '../harness/fixture';

type Json = Record<string, unknown>;

const DIR = 'tiny-qwen2_5_vl';
const load = (file: string): Promise<Json> => loadFixtureJson<Json>(`${DIR}/${file}`);

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

describe('parseModelConfig', () => {
  it('reads the nested form', async () => {
    const config = parseModelConfig(await load('config.json'));
    expect(config.text).toEqual({
      hiddenSize: 96,
      intermediateSize: 136,
      numHiddenLayers: 3,
      numAttentionHeads: 6,
      numKeyValueHeads: 2,
      headDim: 16,
      vocabSize: 160,
      rmsNormEps: 1e-6,
      maxPositionEmbeddings: 512,
      prefix: 'model.language_model.',
      qkvBias: true,
      qkNorm: false,
      rope: { theta: 1e6, kind: 'multimodal', streams: [0, 0, 1, 1, 1, 2, 2, 2] },
    });
    expect(config.vision).toMatchObject({
      depth: 4,
      headDim: 20,
      windows: { tokens: 2, fullBlocks: [1, 3] },
    });
    expect(config).toMatchObject({
      imageTokenId: 151,
      eosTokenIds: [2],
      padTokenId: 1,
      tieWordEmbeddings: false,
    });
  });

  it('reads the flat form of released checkpoints to the same values', async () => {
    const nested = parseModelConfig(await load('config.json'));
    const flat = parseModelConfig(await load('variants/sharded/config.json'));
    // The released form has no pad token.
    expect(flat).toEqual({ ...nested, padTokenId: null });
  });

  it('reads tying from either level', async () => {
    expect(parseModelConfig(await load('variants/tied/config.json')).tieWordEmbeddings).toBe(true);
    const json = await load('config.json');
    const inner = withValue(
      withValue(json, 'tie_word_embeddings', undefined),
      'text_config.tie_word_embeddings',
      true,
    );
    expect(parseModelConfig(inner).tieWordEmbeddings).toBe(true);
  });

  const required = [
    'text_config.hidden_size',
    'text_config.num_key_value_heads',
    'text_config.rms_norm_eps',
    'text_config.rope_parameters.rope_theta',
    'text_config.rope_parameters.mrope_section',
    'text_config.vocab_size',
    'vision_config.depth',
    'vision_config.fullatt_block_indexes',
    'vision_config.window_size',
    'vision_config.out_hidden_size',
    'image_token_id',
  ];
  it.each(required)('names the missing key %s', async (path) => {
    const broken = withValue(await load('config.json'), path, undefined);
    expect(() => parseModelConfig(broken, 'm/config.json')).toThrow(`m/config.json: ${path} is missing`);
  });

  const wrong: [string, unknown, string][] = [
    ['text_config.hidden_size', 97, 'must split hidden_size'],
    ['text_config.num_key_value_heads', 4, 'must divide'],
    ['text_config.hidden_act', 'gelu', 'must be "silu"'],
    ['text_config.use_sliding_window', true, 'is not supported'],
    ['text_config.rope_parameters.rope_type', 'yarn', '"yarn" is not supported'],
    ['text_config.rope_parameters.mrope_section', [2, 3, 4], 'must sum to half the head size (8)'],
    ['text_config.rope_parameters.mrope_section', [8], 'must have three entries'],
    ['vision_config.num_heads', 4, 'heads divisible by 4'],
    ['vision_config.out_hidden_size', 64, 'must equal the text hidden_size'],
    ['vision_config.fullatt_block_indexes', [4], 'from 0 to 3'],
    ['vision_config.window_size', 4, 'smaller than one merged token'],
    ['vision_config.in_channels', 1, 'must be 3'],
    ['image_token_id', 160, 'from 0 to 159'],
    ['quantization_config', { bits: 4 }, 'load unquantised weights'],
  ];
  it.each(wrong)('refuses %s = %j', async (path, value, message) => {
    const broken = withValue(await load('config.json'), path, value);
    expect(() => parseModelConfig(broken)).toThrow(message);
  });

  it('lists what it supports for an unknown model', async () => {
    const other = withValue(await load('config.json'), 'model_type', 'llava');
    expect(() => parseModelConfig(other)).toThrow(
      'model_type "llava" is not supported; supported: qwen2_5_vl',
    );
    try {
      parseModelConfig(other);
    } catch (error) {
      expect((error as LookBackError).code).toBe('model/unsupported');
      expect(error).toBeInstanceOf(LookBackError);
    }
    expect(() => parseModelConfig(null)).toThrow('must be a JSON object');
  });
});

describe('parseGenerationConfig', () => {
  it('reads the file and takes lists of eos ids', async () => {
    const model = parseModelConfig(await load('config.json'));
    expect(parseGenerationConfig(await load('generation_config.json'), model)).toEqual({
      doSample: true,
      temperature: 1e-6,
      topK: 50,
      topP: 1,
      minP: 0,
      repetitionPenalty: 1.05,
      eosTokenIds: [2, 1],
      padTokenId: 1,
      bosTokenId: 1,
    });
  });

  it('falls back to greedy and to the model’s ids', async () => {
    const model = parseModelConfig(await load('config.json'));
    expect(parseGenerationConfig({}, model)).toMatchObject({
      doSample: false,
      temperature: 1,
      eosTokenIds: [2],
    });
    for (const bad of [
      { top_p: -0.1 },
      { top_p: 1.1 },
      { temperature: -1 },
      { repetition_penalty: 0 },
      { min_p: 2 },
      { eos_token_id: 'x' },
    ]) {
      expect(() => parseGenerationConfig(bad, model), JSON.stringify(bad)).toThrow('generation_config.json');
    }
  });
});

describe('parseImageProcessor', () => {
  /** Rows and columns of patches that a square picture of `edge` pixels becomes. */
  async function gridOf(json: Json, edge: number): Promise<readonly number[]> {
    const images = parseImageProcessor(json, parseModelConfig(await load('config.json')));
    const image = { width: edge, height: edge, channels: 3, data: new Uint8Array(edge * edge * 3) };
    return images.process(image).gridThw.slice(1);
  }

  it('reads limits under both names and inside a processor file', async () => {
    const json = await load('preprocessor_config.json');
    // 6,400 pixels at most: 80 × 80, in patches of 4.
    expect(await gridOf(json, 200)).toEqual([20, 20]);
    const renamed = withValue(withValue(json, 'min_pixels', undefined), 'max_pixels', undefined);
    expect(await gridOf(renamed, 200)).toEqual([50, 50]);
    const sized = { ...renamed, size: { shortest_edge: 100, longest_edge: 256 } };
    expect(await gridOf({ image_processor: sized }, 200)).toEqual([4, 4]);
  });

  it('refuses other pipelines, and patches that are not the vision tower’s', async () => {
    const json = await load('preprocessor_config.json');
    const model = parseModelConfig(await load('config.json'));
    for (const [change, message] of [
      [{ do_resize: false }, 'do_resize must be true'],
      [{ resample: 2 }, 'resample must be 3'],
      [{ image_std: [0, 1, 1] }, 'image_std must be positive'],
      [{ max_pixels: 3 }, 'less than min_pixels'],
      [{ patch_size: 8 }, "patch_size (8) differs from the vision tower's (4)"],
    ] as const)
      expect(() => parseImageProcessor({ ...json, ...change }, model)).toThrow(message);
  });
});
