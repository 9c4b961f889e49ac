// Every tensor of a checkpoint has its place, whichever prefix style it uses.
import { describe, expect, it } from 'vitest';
import { parseModelConfig } from '../../src/model/config';
import { STORED_PREFIXES } from '../../src/model/families/qwen_reading';
import { parseSafetensors, type SafetensorsFile } from '../../src/model/safetensors';
import type { ModelSpec } from '../../src/model/spec';
import {
  canonicalAdapterName,
  canonicalName,
  checkTiedHead,
  checkWeights,
  embeddingName,
  expectedShapes,
  LM_HEAD,
  type WeightEntry,
} from '../../src/model/weight_names';
import { loadFixture, loadFixtureJson } from '../harness/fixture';

const DIR = 'tiny-qwen2_5_vl';
const QWEN = { storedPrefixes: STORED_PREFIXES };

async function load(folder: string): Promise<{ config: ModelSpec; file: SafetensorsFile }> {
  const config = parseModelConfig(await loadFixtureJson(`${folder}/config.json`));
  const bytes = await loadFixture(`${folder}/model.safetensors`);
  return { config, file: await parseSafetensors('model.safetensors', bytes) };
}

describe('canonicalName', () => {
  it.each([
    ['visual.blocks.0.norm1.weight', 'model.visual.blocks.0.norm1.weight'],
    ['model.visual.blocks.0.norm1.weight', 'model.visual.blocks.0.norm1.weight'],
    ['model.layers.3.mlp.up_proj.weight', 'model.language_model.layers.3.mlp.up_proj.weight'],
    ['model.embed_tokens.weight', 'model.language_model.embed_tokens.weight'],
    ['model.norm.weight', 'model.language_model.norm.weight'],
    ['language_model.norm.weight', 'model.language_model.norm.weight'],
    ['model.language_model.norm.weight', 'model.language_model.norm.weight'],
    ['lm_head.weight', 'lm_head.weight'],
  ])('%s', (disk, canonical) => expect(canonicalName(disk, QWEN)).toBe(canonical));
});

describe('canonicalAdapterName', () => {
  it.each([
    ['base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight', 'A'],
    ['base_model.model.model.language_model.layers.0.self_attn.q_proj.lora_B.default.weight', 'B'],
    ['model.layers.0.self_attn.q_proj.base_layer.lora_A.weight', 'A'],
  ])('%s', (name, factor) => {
    expect(canonicalAdapterName(name, QWEN)).toEqual({
      module: 'model.language_model.layers.0.self_attn.q_proj',
      spelling: /(?:^|base_model\.model\.)(model\..*q_proj)/.exec(name)?.[1],
      factor,
    });
  });

  it('is null for anything else', () => {
    expect(canonicalAdapterName('base_model.model.lm_head.weight', QWEN)).toBeNull();
  });
});

describe('checkWeights', () => {
  it.each([DIR, `${DIR}/variants/new-prefix`])('places every tensor of %s', async (folder) => {
    const { config, file } = await load(folder);
    const { sources, tied, redundantHead } = checkWeights(config, file.tensors);
    expect([...sources.keys()].sort()).toEqual([...expectedShapes(config).keys()].sort());
    expect(new Set(sources.values())).toEqual(new Set(file.tensors.keys()));
    expect([tied, redundantHead]).toEqual([false, null]);
  });

  it('aliases the head of a tied model', async () => {
    const { config, file } = await load(`${DIR}/variants/tied`);
    const { sources, tied, redundantHead } = checkWeights(config, file.tensors);
    expect(tied).toBe(true);
    expect(sources.has(LM_HEAD)).toBe(false);
    expect(sources.has(embeddingName(config.text))).toBe(true);
    expect(redundantHead).toBeNull();
  });

  it('reports a head that is present although tied, to be compared', async () => {
    const { config, file } = await load(DIR);
    const result = checkWeights({ ...config, tieWordEmbeddings: true }, file.tensors);
    expect(result.redundantHead).toBe(LM_HEAD);
    const head = await file.read(LM_HEAD);
    expect(() => checkTiedHead(head, head.slice())).not.toThrow();
    const embedding = await file.read(result.sources.get(embeddingName(config.text)) as string);
    expect(() => checkTiedHead(head, embedding)).toThrow('set tie_word_embeddings to false');
  });

  it('names unknown, missing, duplicate, misshapen and mistyped tensors', async () => {
    const { config, file } = await load(DIR);
    const changed = (edit: (map: Map<string, WeightEntry>) => void): (() => unknown) => {
      const map = new Map<string, WeightEntry>(file.tensors);
      edit(map);
      return () => checkWeights(config, map);
    };
    const entry = file.tensors.get('model.norm.weight') as WeightEntry;
    expect(changed((map) => map.set('model.extra.weight', entry))).toThrow(
      'unknown tensors: model.extra.weight',
    );
    expect(changed((map) => map.delete('model.norm.weight'))).toThrow(
      'missing tensors: model.language_model.norm.weight',
    );
    expect(changed((map) => map.delete(LM_HEAD))).toThrow('missing tensors: lm_head.weight');
    expect(changed((map) => map.set('model.language_model.norm.weight', entry))).toThrow(
      '"model.norm.weight" and "model.language_model.norm.weight" are the same tensor under two names',
    );
    expect(changed((map) => map.set('model.norm.weight', { ...entry, shape: [95] }))).toThrow(
      'has shape [95], expected [96]',
    );
    expect(changed((map) => map.set('model.norm.weight', { ...entry, shape: [96, 1] }))).toThrow(
      'expected [96]',
    );
    expect(changed((map) => map.set('model.norm.weight', { ...entry, dtype: 'I32' }))).toThrow(
      'has dtype I32',
    );
    expect(changed((map) => map.set('model.layers.3.mlp.up_proj.weight', entry))).toThrow('unknown tensors');
  });
});
