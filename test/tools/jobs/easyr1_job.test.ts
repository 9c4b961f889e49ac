// A run in EasyR1's words: the keys of its schema, numbers that YAML reads as numbers, problems with pictures.
import { describe, expect, it } from 'vitest';
import { readRunFile } from '../../../src/settings/run_file';
import { easyR1Job, yamlOf } from '../../../tools/jobs/easyr1_job';

const MODEL = {
  path: './model',
  maxPromptLength: 2048,
  minPixels: 1,
  maxPixels: 2,
  endTexts: ['<|im_end|>'],
};
const QUESTIONS = [{ text: 'How many?', answer: '3', image: 'images/0.png', columns: { level: 2 } }];

function run(grpo: object = {}) {
  const given = { model: 'pocket', mode: 'solution', source: { kind: 'shapes_world' }, maxSteps: 7, grpo };
  return readRunFile(JSON.stringify({ ...given, optim: { learningRate: 1e-7 } }), 'grpo').file;
}

/** Paths of the file's keys with their values as written. */
function keysOf(yaml: string): ReadonlyMap<string, string> {
  const path: string[] = [];
  return new Map(
    yaml
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [, indent = '', key = '', value = ''] = /^( *)([\w]+): ?(.*)$/.exec(line) ?? [];
        path.splice(indent.length / 2, path.length, key);
        return [path.join('.'), value];
      }),
  );
}

describe('easyR1Job', () => {
  it('writes the run’s settings under the keys of the schema', () => {
    const settings = { promptsPerStep: 5, numGenerations: 6, beta: 0.02, dropUniformGroups: 'accuracy' };
    const keys = keysOf(easyR1Job(run(settings), QUESTIONS, MODEL).files['config.yaml'] ?? '');
    expect(Object.fromEntries(keys)).toMatchObject({
      'data.rollout_batch_size': '5',
      'data.prompt_key': '"problem"',
      'worker.actor.global_batch_size': '5',
      'worker.actor.optim.lr': '1.0e-7',
      'worker.actor.model.freeze_vision_tower': 'true',
      'worker.actor.model.lora.rank': '8',
      'worker.rollout.n': '6',
      'algorithm.adv_estimator': '"grpo"',
      'algorithm.use_kl_loss': 'true',
      'algorithm.kl_coef': '0.02',
      'algorithm.online_filtering': 'true',
      'algorithm.filter_key': '"accuracy"',
      'worker.reward.reward_function': '"./look_back_reward.py:compute_score"',
      'worker.reward.reward_function_kwargs.weights.format': '0.1',
      'worker.reward.skip_special_tokens': 'false',
      'trainer.max_steps': '7',
    });
  });

  it('puts the picture before the words', () => {
    const rows = easyR1Job(run(), QUESTIONS, MODEL).files['train.jsonl'] ?? '';
    expect(JSON.parse(rows)).toEqual({ problem: '<image>How many?', answer: '3', images: ['images/0.png'] });
  });

  it('says what EasyR1 does otherwise and refuses a system text', () => {
    const { differences } = easyR1Job(run({ lossType: 'dr_grpo' }), QUESTIONS, MODEL);
    expect(differences.join('\n')).toMatch(/dr_grpo/);
    const asked = [{ text: 'q', system: 's', answer: '1', image: 'i', columns: {} }];
    expect(() => easyR1Job(run(), asked, MODEL)).toThrow(/system text/);
  });
});

describe('yamlOf', () => {
  it('writes numbers that YAML 1.1 reads as numbers, and texts that keep their kind', () => {
    expect(yamlOf({ a: 1e-7, b: 1.5e-7, c: 1e21, d: 'no', e: null, f: { g: [0.9, 0.95] } })).toBe(
      'a: 1.0e-7\nb: 1.5e-7\nc: 1.0e+21\nd: "no"\ne: null\nf:\n  g: [0.9, 0.95]\n',
    );
  });
});
