// A run in TRL's words: equal hyper-parameters, rewards in order, and what TRL does otherwise is said.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PAPER_PROMPTS } from '../../../src/lookback/prompts';
import { readRunFile } from '../../../src/settings/run_file';
import { dealExamples } from '../../../src/train/example_order';
import { questionOrder, writeExamples } from '../../../tools/jobs/job_questions';
import { trlJob, trlSftJob } from '../../../tools/jobs/trl_job';

function run(changes: object = {}) {
  const given = {
    ...{ model: 'pocket', mode: 'solution', source: { kind: 'shapes_world' }, maxSteps: 7, seed: 3 },
    optim: { learningRate: 0.001, lrSchedulerType: 'constant', warmupSteps: 2, adamBeta2: 0.95 },
    ...changes,
  };
  return readRunFile(JSON.stringify(given), 'grpo').file;
}

const QUESTIONS = [
  { text: 'How many? use back', answer: '3', image: 'images/0.png', columns: {} },
  { text: 'Is there one?', system: 'Be brief.', answer: 'yes', image: 'images/1.png', columns: { level: 2 } },
];

describe('trlJob', () => {
  it('gives a step as many questions and answers as the run, and the same optimiser', () => {
    const grpo = { promptsPerStep: 5, numGenerations: 6, beta: 0.02, epsilonHigh: 0.28, numIterations: 2 };
    const { files } = trlJob(run({ grpo }), QUESTIONS, run().lora);
    expect(JSON.parse(files['grpo_config.json'] ?? '')).toMatchObject({
      ...{ per_device_train_batch_size: 6, gradient_accumulation_steps: 5, num_generations: 6 },
      // TRL counts updates, of which each sampled batch has two.
      ...{ max_steps: 14, num_iterations: 2, warmup_steps: 4 },
      ...{ learning_rate: 0.001, lr_scheduler_type: 'constant_with_warmup', adam_beta2: 0.95 },
      ...{ beta: 0.02, epsilon: 0.2, epsilon_high: 0.28, loss_type: 'dapo', scale_rewards: 'group' },
      ...{ seed: 3, shuffle_dataset: false, top_k: 0 },
    });
    expect(JSON.parse(files['lora_config.json'] ?? '')).toMatchObject({ r: 8, lora_alpha: 16 });
  });

  it('keeps rewards without weight out, and weights in the order of the names', () => {
    const { files } = trlJob(
      run({ grpo: { rewardWeights: { accuracy: 1, format: 0.1, length: 0 } } }),
      QUESTIONS,
      null,
    );
    expect(Object.entries(JSON.parse(files['rewards.json'] ?? ''))).toEqual([
      ['accuracy', 1],
      ['format', 0.1],
    ]);
    expect(JSON.parse(files['grpo_config.json'] ?? '').reward_weights).toEqual([1, 0.1]);
    expect(files).not.toHaveProperty('lora_config.json');
  });

  it.each([
    ['custom', 'in JavaScript'],
    ['visual_anchor', 'attention inside the look back'],
    ['visual_dependence', 'what the picture adds to the look back'],
  ])('refuses a run with a weight for %s, which Python cannot compute', (name, why) => {
    const weighted = run({ grpo: { rewardWeights: { accuracy: 1, [name]: 0.2 } } });
    expect(() => trlJob(weighted, QUESTIONS, null)).toThrow(why);
  });

  it('writes conversations of plain text with their pictures', () => {
    const rows = (trlJob(run(), QUESTIONS, null).files['train.jsonl'] ?? '').trim().split('\n');
    expect(rows.map((row) => JSON.parse(row))).toEqual([
      {
        prompt: [{ role: 'user', content: 'How many? use back' }],
        ...{ images: ['images/0.png'], answer: '3', columns: '{}' },
      },
      {
        prompt: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'Is there one?' },
        ],
        images: ['images/1.png'],
        answer: 'yes',
        columns: '{"level":2}',
      },
    ]);
  });

  it.each([
    [{ scaleRewards: 'std_floor', stdFloor: 0.3 }, /std_floor \(0\.3\)/],
    [{ dropUniformGroups: 'accuracy' }, /dropUniformGroups accuracy/],
    [{ numIterations: 3 }, /learning rate/],
  ])('says what TRL does otherwise: %o', (grpo, words) => {
    expect(trlJob(run({ grpo }), QUESTIONS, null).differences.join('\n')).toMatch(words);
    expect(trlJob(run(), QUESTIONS, null).differences.join('\n')).not.toMatch(words);
  });
});

describe('trlSftJob', () => {
  const given = { model: 'pocket', mode: 'solution', source: { kind: 'dataset', file: 'x' }, maxSteps: 7 };
  const sft = (changes: object = {}) =>
    readRunFile(JSON.stringify({ ...given, sft: { batchSize: 3 }, ...changes }), 'sft').file;
  const example = {
    ...{ text: 'How many?', answer: '3', image: 'images/0.png' },
    ...{ response: '\\boxed{3}', columns: { level: 2 } },
  };

  it('gives a step as many examples as the run, and rows with the answer to imitate', () => {
    const split = { train: 1, heldOut: 0, steps: 7, epochs: 21 };
    const { files } = trlSftJob(sft(), { train: [example], held: [], split }, sft().lora);
    expect(JSON.parse(files['sft_config.json'] ?? '')).toMatchObject({
      ...{ max_steps: 7, gradient_accumulation_steps: 3, per_device_train_batch_size: 1 },
      ...{ completion_only_loss: true, eval_strategy: 'no', learning_rate: 1e-4 },
    });
    expect(JSON.parse(files['train.jsonl'] ?? '')).toEqual({
      prompt: [{ role: 'user', content: 'How many?' }],
      completion: [{ role: 'assistant', content: '\\boxed{3}' }],
      images: ['images/0.png'],
    });
    expect(Object.keys(files)).toEqual(['train.jsonl', 'sft_config.json', 'lora_config.json']);
  });

  it('evaluates on what is held out, and says that no answers are sampled', () => {
    const split = { train: 1, heldOut: 1, steps: 7, epochs: 21 };
    const run = sft({ evalSteps: 2, evalSize: 1, evalSamples: 1 });
    const { files, differences } = trlSftJob(run, { train: [example], held: [example], split }, null);
    expect(JSON.parse(files['sft_config.json'] ?? '')).toMatchObject({
      eval_strategy: 'steps',
      eval_steps: 2,
    });
    expect(files['eval.jsonl']).toBe(files['train.jsonl']);
    expect(files['lora_config.json']).toBeUndefined();
    expect(differences.join()).toContain('no sample answers');
  });
});

describe('writeExamples', () => {
  it('divides the rows with a response as the trainer does, and refuses the built-in world', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'job-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const picture = encode({ width: 2, height: 2, channels: 3, data: new Uint8Array(12) });
    await writeFile(join(folder, 'a.png'), picture);
    const rows = Array.from({ length: 5 }, (_, n) => ({
      ...{ image: 'a.png', question: `q${n}`, answer: `${n}` },
      ...(n === 0 ? {} : { response: `\\boxed{${n}}`, system: `s${n}` }),
    }));
    await writeFile(join(folder, 'rows.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
    const read = (source: object) =>
      readRunFile(
        JSON.stringify({
          model: 'pocket',
          mode: 'plain',
          source,
          seed: 4,
          ...{ evalSteps: 1, evalSize: 1 },
        }),
        'sft',
      ).file;
    const out = join(folder, 'out');
    const { signal } = new AbortController();
    const run = read({ kind: 'dataset', file: 'rows.jsonl' });
    const { train, held } = await writeExamples(run, join(folder, 'run.json'), PAPER_PROMPTS, out, signal);
    const dealt = dealExamples(4, 1, 4);
    expect(held.map(({ response }) => response)).toEqual(dealt.held.map((at) => `\\boxed{${at + 1}}`));
    expect(train.map(({ answer }) => answer)).toEqual(dealt.train.map((at) => `${at + 1}`));
    expect(train.map(({ system }) => system)).toEqual(dealt.train.map((at) => `s${at + 1}`));
    expect((await readdir(join(out, 'images'))).length).toBe(4);
    const world = read({ kind: 'shapes_world' });
    await expect(writeExamples(world, 'run.json', PAPER_PROMPTS, out, signal)).rejects.toThrow(
      'npm run cold-start',
    );
  });
});

describe('questionOrder', () => {
  it('takes the world in order and a set in shuffled passes, as the trainer does', () => {
    const asked = run({ maxSteps: 2, grpo: { promptsPerStep: 3 } });
    expect(questionOrder(asked, Number.POSITIVE_INFINITY).positions).toEqual([0, 1, 2, 3, 4, 5]);
    const { positions, total } = questionOrder(asked, 3);
    expect(total).toBe(6);
    expect([...positions.slice(0, 3)].sort()).toEqual([0, 1, 2]);
    expect([...positions.slice(3)].sort()).toEqual([0, 1, 2]);
  });
});
