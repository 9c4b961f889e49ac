// The configuration file: every kind of wrong file is an error that names its key, and what is written is read again.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RunFileError, readRunFile, writeRunFile } from '../../src/settings/run_file';
import { DEFAULT_TRAIN_CONFIG } from '../../src/settings/train_settings';

const LEAST = { model: 'pocket', mode: 'solution', source: { kind: 'shapes_world' } };
const read = (changes: object) => readRunFile(JSON.stringify({ ...LEAST, ...changes }), 'sft');

function messagesOf(json: string): readonly string[] {
  try {
    readRunFile(json, 'sft');
    return [];
  } catch (error) {
    if (!(error instanceof RunFileError)) throw error;
    return error.problems.map(({ message }) => message);
  }
}
const wrong = (changes: object) => messagesOf(JSON.stringify({ ...LEAST, ...changes }));

describe('readRunFile', () => {
  it('fills in the defaults', () => {
    const { file, unused } = read({ optim: { learningRate: 0.5 } });
    expect(file).toMatchObject({
      ...DEFAULT_TRAIN_CONFIG,
      optim: { ...DEFAULT_TRAIN_CONFIG.optim, learningRate: 0.5 },
      saveSteps: 10,
      source: { kind: 'shapes_world', textShare: 0.2, scenes: 800 },
      adapter: null,
      method: 'sft',
    });
    expect(unused).toEqual([]);
  });

  it.each<[object, RegExp]>([
    [{ grpo: { lossType: 'nonsense' } }, /^grpo\.lossType is "nonsense"; .* grpo, bnpo, dr_grpo, dapo\.$/],
    [
      { optim: { lrSchedulerType: 'cosin' } },
      /^optim\.lrSchedulerType is "cosin"; .* constant, linear, cosine\.$/,
    ],
    [{ grpo: { scaleRewards: 'foo' } }, /^grpo\.scaleRewards is "foo"; .* group, none, std_floor\.$/],
    [{ grpo: { dropUniformGroups: 'all' } }, /none, reward, accuracy/],
    [{ gradientCheckpointing: 'no' }, /^gradientCheckpointing is "no"; it must be true or false\.$/],
    [{ grpo: { maskTruncatedCompletions: 0 } }, /true or false/],
    [{ optim: { learningRate: '1e-4' } }, /^optim\.learningRate is "1e-4"; .* without quotation marks\.$/],
    [{ source: { kind: 'shapes_world', textShare: 3 } }, /^source\.textShare is 3; .* from 0 to 1\.$/],
    [
      { source: { kind: 'shapes_world', scene: 3 } },
      /"source\.scene"\. source has kind, file, pictures, questions, textShare, scenes/,
    ],
    [{ source: { kind: 'world' } }, /^source\.kind is "world"; .* shapes_world, dataset\.$/],
    [{ source: { kind: 'dataset' } }, /^source\.file is missing/],
    [{ source: 'shapes_world' }, /^source is "shapes_world"; it must be an object\.$/],
    [{ saveSteps: 1.5 }, /^saveSteps is 1\.5; it must be a whole number from 0/],
    [{ seed: -1 }, /^seed is -1/],
    [{ mode: 'sulution' }, /^mode is "sulution"; it must be one of plain, cot, semantic, solution\.$/],
    [{ model: 4 }, /^model is 4/],
    [{ model: '' }, /^model is ""/],
    [{ adapter: ['a'] }, /^adapter is \["a"\]/],
    [{ method: 'grpo' }, /^method is "grpo"; it must be sft, as the command says/],
    [{ method: 'ppo' }, /^method is "ppo"; it must be one of sft, grpo\.$/],
    [{ lora: null }, /^lora is null; it must be an object\.$/],
    [{ lora: { targetModules: '(' } }, /^lora\.targetModules is "\("; it must be a regular expression\.$/],
    [{ lora: { target_modules: '.*' } }, /Is lora\.targetModules meant\?/],
    [{ learningRate: 1 }, /Is optim\.learningRate meant\?/],
    [
      { grpo: { rewardWeights: { niceness: 1 } } },
      /accuracy, format, format_paper, length, visual_anchor, visual_dependence, custom/,
    ],
    [{ grpo: { rewardWeights: { format: 'a' } } }, /^grpo\.rewardWeights\.format is "a"/],
    [{ prototype: 1 }, /no setting "prototype"/],
  ])('refuses %j', (changes, message) => {
    const found = wrong(changes);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(message);
  });

  it.each<[string, string, RegExp]>([
    ['nothing', ' \n', /^The file is empty\.$/],
    ['a list', '[]', /must hold one JSON object/],
    ['a word', 'true', /must hold one JSON object/],
    ['a comment', '{\n  // a\n}', /^This is no JSON: expected a string in line 2, column 3\.$/],
    ['a comma too many', '{"seed": 1,}', /^This is no JSON: .* line 1, column 12/],
    ['NaN', '{"seed": NaN}', /no JSON/],
    ['one key twice', '{"seed": 1,\n"seed": 2}', /duplicate key "seed" in line 2/],
    ['text after its end', '{} {}', /unexpected text/],
    ['half of it', '{"optim": {"learningRate": 1', /no JSON/],
    ['nesting without end', '['.repeat(100_000), /nested deeper/],
    ['a key that objects have', '{"__proto__": {"seed": 1}}', /no setting "__proto__"/],
  ])('refuses a file with %s', (_, json, message) => {
    expect(messagesOf(json)[0]).toMatch(message);
  });

  it('names everything that is wrong or missing at once', () => {
    expect(messagesOf('{"seed": -1, "x": 1}')).toEqual([
      expect.stringMatching(/^seed/),
      expect.stringMatching(/^There is no setting "x"/),
      expect.stringMatching(/^model is missing/),
      expect.stringMatching(/^mode is missing; it must be one of plain, cot/),
      expect.stringMatching(/^source\.kind is missing; it must be one of shapes_world, dataset/),
    ]);
  });

  it('reads a byte order mark, and replaces reward weights as a whole', () => {
    const json = `\uFEFF${JSON.stringify({ ...LEAST, grpo: { rewardWeights: { accuracy: 2 } } })}`;
    const { file } = readRunFile(json, 'grpo');
    expect(file.grpo.rewardWeights).toEqual({
      accuracy: 2,
      format: 0,
      format_paper: 0,
      length: 0,
      visual_anchor: 0,
      visual_dependence: 0,
      custom: 0,
    });
    expect(read({}).file.grpo.rewardWeights).toMatchObject({ accuracy: 1, format: 0.1 });
  });

  it('names what has no effect', () => {
    expect(read({ grpo: { beta: 1 }, evalSize: 5 }).unused).toEqual(['grpo.beta', 'evalSize']);
    expect(read({ adapter: 'a', lora: { r: 4, loraDropout: 0.1 } }).unused).toEqual(['lora.r']);
  });

  it.each(['sft', 'grpo'] as const)('reads the configuration of pocket’s %s', (method) => {
    const json = readFileSync(new URL(`../../configs/pocket_${method}.json`, import.meta.url), 'utf8');
    expect(readRunFile(json, method).unused).toEqual([]);
  });
});

describe('writeRunFile', () => {
  it.each(['sft', 'grpo'] as const)('is read again by %s', (method) => {
    const changes = { adapter: '../a', seed: 7, saveSteps: 3, grpo: { numIterations: 2, epsilon: 0.3 } };
    const { file } = readRunFile(JSON.stringify({ ...LEAST, ...changes }), method);
    const json = writeRunFile(file, { device: 'a device' });
    expect(JSON.parse(json)).toMatchObject({
      method,
      seed: 7,
      adapter: '../a',
      about: { device: 'a device' },
    });
    const again = readRunFile(json, method);
    expect(again.unused).toEqual([]);
    expect(writeRunFile(again.file, { device: 'a device' })).toBe(json);
  });
});
