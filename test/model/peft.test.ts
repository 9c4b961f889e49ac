// Adapters as PEFT reads them: the config's keys and targets, the weights' names, and our own reader's opinion of both.
// Real PEFT's opinion is docs/results/peft.md.
import { describe, expect, it } from 'vitest';
import { parseModelConfig } from '../../src/model/config';
import { trainableModules } from '../../src/model/lora';
import { writeAdapterConfig, writeAdapterWeights } from '../../src/model/peft';
import { parseLoraConfig, readLora } from '../../src/model/peft_reader';
import { parseSafetensors } from '../../src/model/safetensors';
import { ALL_PROJECTIONS } from '../../src/settings/train_settings';
import { loadFixture, loadFixtureJson } from '../harness/fixture';

const FOLDER = 'tiny-qwen2_5_vl';
const base = {
  ...{ r: 4, loraAlpha: 8, loraDropout: 0.05, useRslora: true, baseModel: 'look-back/pocket' },
  targetModules: '.*language_model\\..*\\.(q|v)_proj',
};
const QWEN = ['model.language_model.layers.0.self_attn.q_proj'];
const SMOLVLM = ['model.text_model.layers.0.self_attn.q_proj'];
const written = (change: object = {}, adapted = QWEN) =>
  JSON.parse(writeAdapterConfig({ ...base, ...change }, adapted)) as Record<string, unknown>;

describe('writeAdapterConfig', () => {
  it('writes no key that PEFT does not, sorted, and our reader agrees', async () => {
    const text = writeAdapterConfig(base, QWEN);
    const json = JSON.parse(text) as Record<string, unknown>;
    const peft = (await loadFixtureJson(`${FOLDER}/adapter/adapter_config.json`)) as Record<string, unknown>;
    expect(Object.keys(json).filter((key) => !(key in peft))).toEqual([]);
    expect(Object.keys(json)).toEqual(Object.keys(json).sort());
    expect(text).toContain('\n  "r": 4,\n');
    const { loraDropout, ...read } = base;
    expect(parseLoraConfig(json)).toEqual({ ...read, rankPattern: [], alphaPattern: [] });
    expect(json.lora_dropout).toBe(loraDropout);
  });

  it('gives the values that PEFT gave the fixture', async () => {
    const peft = (await loadFixtureJson(`${FOLDER}/adapter/adapter_config.json`)) as Record<string, unknown>;
    const ours = JSON.parse(
      writeAdapterConfig({ ...parseLoraConfig(peft), loraDropout: peft.lora_dropout as number }, QWEN),
    ) as Record<string, unknown>;
    const { peft_version: _, ...values } = ours;
    expect(peft).toMatchObject(values);
  });

  it.each([
    ['.*language_model\\..*_proj', null],
    ['.*\\.self_attn\\.q_proj', null],
    ['.*_proj', '.*visual.*'],
    ['(?P<python>.*)', '.*visual.*'],
    [['q_proj', 'self_attn.v_proj'], null],
    [['q_proj', 'down_proj'], '.*visual.*'],
    ['.*(linear_fc1|q_proj)', '.*visual.*'],
    [['proj'], '.*visual.*'],
  ])('keeps PEFT from wrapping the vision tower for targets %j', (targetModules, excluded) => {
    expect(written({ targetModules }).exclude_modules).toBe(excluded);
  });

  it.each([
    [ALL_PROJECTIONS, null],
    [['gate_proj', 'o_proj'], null],
    [['q_proj', 'v_proj'], '.*(vision_model|connector).*'],
    [['proj'], '.*(vision_model|connector).*'],
    ['.*', '.*(vision_model|connector).*'],
  ])(
    'keeps it from SmolVLM’s, too, whose names are the decoder’s, for targets %j',
    (targetModules, excluded) => {
      expect(written({ targetModules }, SMOLVLM).exclude_modules).toBe(excluded);
    },
  );

  it('sorts a list of targets', () => {
    expect(written({ targetModules: ['v_proj', 'k_proj'] }).target_modules).toEqual(['k_proj', 'v_proj']);
  });
});

describe('writeAdapterWeights', () => {
  it('writes what our reader reads back bit for bit, under the names of PEFT', async () => {
    const model = parseModelConfig(await loadFixtureJson(`${FOLDER}/config.json`));
    const weights = [...trainableModules(model)].slice(0, 5).map(([module, [out, width]], index) => ({
      module,
      a: Float32Array.from({ length: 3 * width }, (_, i) => Math.fround(Math.sin(i + index))),
      b: Float32Array.from({ length: out * 3 }, (_, i) => Math.fround(Math.cos(i - index))),
    }));
    const config = { ...base, r: 3 };
    const bytes = writeAdapterWeights(weights, config);
    const file = await parseSafetensors('adapter', bytes);
    expect(file.metadata.get('format')).toBe('pt');
    expect([...file.tensors.keys()][0]).toBe(
      'base_model.model.model.language_model.layers.0.mlp.gate_proj.lora_A.weight',
    );
    const json: unknown = JSON.parse(writeAdapterConfig(config, []));
    expect((await readLora(json, file, model)).weights).toEqual(weights);
  });

  it('writes the fixture of PEFT itself again, tensor for tensor', async () => {
    const model = parseModelConfig(await loadFixtureJson(`${FOLDER}/config.json`));
    const peft = await parseSafetensors(
      'peft',
      await loadFixture(`${FOLDER}/adapter/adapter_model.safetensors`),
    );
    const json = await loadFixtureJson(`${FOLDER}/adapter/adapter_config.json`);
    const { config, weights } = await readLora(json, peft, model);
    const ours = await parseSafetensors('ours', writeAdapterWeights(weights, config));
    expect([...ours.tensors.keys()].sort()).toEqual([...peft.tensors.keys()].sort());
    for (const [name, { shape, dtype }] of peft.tensors) {
      expect(ours.tensors.get(name)).toMatchObject({ shape, dtype });
      expect(await ours.read(name)).toEqual(await peft.read(name));
    }
  });

  it('refuses factors that do not have the rank', () => {
    const bad = { module: 'm.q_proj', a: new Float32Array(6), b: new Float32Array(4) };
    expect(() => writeAdapterWeights([bad], { r: 3 })).toThrow(/m\.q_proj: lora_B is no/);
  });
});
