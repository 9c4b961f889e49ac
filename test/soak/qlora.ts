// `npm run soak -- qlora [FAMILY…] [--weights int4|int8] [--steps N] [--python PATH]`: QLoRA of every family through the
// command lines, over a tiny checkpoint of random weights that is rounded on the device: 30 steps of SFT on photographs, then
// five of GRPO on from that adapter. With --python, which needs torch, transformers and peft, the adapter that GRPO wrote is
// loaded by PEFT on the checkpoint in full precision, and its logits compared with the engine's. The last line is one line of
// JSON; the exit code is 1 where a family failed.

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { familyCheckpoint } from '../harness/family_checkpoint';

const FAMILIES = {
  qwen2_5_vl: ['tiny-qwen2_5_vl', 'tokenizer-qwen2'],
  qwen2_vl: ['tiny-qwen2_vl', 'tokenizer-qwen2'],
  qwen3_vl: ['tiny-qwen3_vl', 'tokenizer-qwen3'],
  smolvlm: ['tiny-smolvlm', 'tokenizer-smollm2'],
} as const;
type Family = keyof typeof FAMILIES;
const NAMES = Object.keys(FAMILIES) as Family[];
const ROWS = 6;
const GRPO_STEPS = 5;

const root = process.env.LOOKBACK_ROOT ?? process.cwd();
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    weights: { type: 'string', default: 'int4' },
    steps: { type: 'string', default: '30' },
    python: { type: 'string' },
  },
});
const steps = Number(values.steps);
const known = positionals.every((name) => NAMES.some((family) => family === name));
if (!['int4', 'int8'].includes(values.weights) || !Number.isInteger(steps) || steps < 2 || !known) {
  process.stderr.write(
    `usage: npm run soak -- qlora [${NAMES.join('] [')}] [--weights int4|int8] [--steps N] [--python PATH]\n`,
  );
  process.exit(2);
}

/** What all steps of both trainers share. */
const COMMON = {
  ...{ mode: 'plain', seed: 3, saveSteps: 0, gradientCheckpointing: true },
  source: { kind: 'dataset', file: 'rows.jsonl' },
  optim: { learningRate: 5e-3, lrSchedulerType: 'constant' },
};

/** Answers of a random model are all wrong: this reward tells them apart, so that GRPO has something to learn. */
const REWARD = `function reward({ text }) {
  let odd = 0;
  for (const letter of text) odd += letter.charCodeAt(0) % 2;
  return text.length === 0 ? 0 : odd / text.length;
}
`;

function run(command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(`${args.slice(0, 3).join(' ')} ended with code ${status}`);
}

const write = (path: string, value: unknown): void =>
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));

/** Rows with pictures and written answers, and given answers over which logits are compared. */
function writeRows(folder: string): void {
  const photographs = join(root, 'test/fixtures/photographs');
  const lines = readFileSync(join(photographs, 'questions.jsonl'), 'utf8').trim().split('\n');
  const rows = lines
    .map((line) => JSON.parse(line) as { image: string; question: string; answer: string })
    .filter(({ image }, at, all) => all.findIndex((other) => other.image === image) === at)
    .slice(0, ROWS)
    .map((row) => ({ ...row, response: `I see ${row.answer}. \\boxed{${row.answer}}` }));
  for (const { image } of rows) copyFileSync(join(photographs, image), join(folder, image));
  write(join(folder, 'rows.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const ids = Array.from({ length: 12 }, (_, at) => 40 + 7 * at);
  const scenes = rows.slice(0, 3).map(({ image, question }) => ({ image, prompt: question, ids }));
  write(join(folder, 'scenes.json'), { scenes });
}

/** The files of one family's two runs. */
async function writeFolder(folder: string, family: Family): Promise<void> {
  mkdirSync(join(folder, 'model'), { recursive: true });
  const [fixture, tokenizer] = FAMILIES[family];
  for (const [name, bytes] of await familyCheckpoint(fixture, tokenizer))
    writeFileSync(join(folder, 'model', name), bytes);
  writeRows(folder);
  const shared = { ...COMMON, model: join(folder, 'model') };
  const sft = { batchSize: 2, maxLength: 1024 };
  write(join(folder, 'sft.json'), { ...shared, maxSteps: steps, sft });
  const grpo = {
    promptsPerStep: 2,
    numGenerations: 4,
    maxCompletionLength: 16,
    rewardWeights: { custom: 1 },
  };
  write(join(folder, 'grpo.json'), { ...shared, maxSteps: GRPO_STEPS, adapter: 'sft', grpo });
  write(join(folder, 'reward.js'), REWARD);
}

function metricsOf(folder: string): Record<string, number | null>[] {
  const lines = readFileSync(join(folder, 'metrics.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Record<string, number | null>);
}

const mean = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0) / numbers.length;

/** What is wrong with the metrics of both runs; every step must have been finite and have had a gradient. */
function problemsOf(folder: string): { problems: string[]; losses: number[]; rewards: number[] } {
  const problems: string[] = [];
  const column = (name: 'sft' | 'grpo', metric: string, wanted: number): number[] => {
    const found = metricsOf(join(folder, name)).map((row) => row[metric] ?? Number.NaN);
    if (found.length !== wanted || !found.every(Number.isFinite))
      problems.push(`${name} has ${metric} ${found.join(' ')}`);
    return found;
  };
  const losses = column('sft', 'loss', steps);
  // Six rows are learned by heart; with fewer steps than three passes over them the fall is only seen.
  const [first, last] = [mean(losses.slice(0, 3)), mean(losses.slice(-3))];
  if (!(last < (steps >= 30 ? 0.5 : 1) * first)) problems.push(`the loss went from ${first} to ${last}`);
  const rewards = column('grpo', 'reward', GRPO_STEPS);
  for (const [name, count] of [
    ['sft', steps],
    ['grpo', GRPO_STEPS],
  ] as const) {
    const norms = column(name, 'grad_norm', count);
    if (!norms.every((norm) => norm > 0))
      problems.push(`${name} has steps without a gradient: ${norms.join(' ')}`);
  }
  const weights = (name: string): Buffer => readFileSync(join(folder, name, 'adapter_model.safetensors'));
  if (weights('sft').equals(weights('grpo'))) problems.push('GRPO left the adapter as it was');
  return { problems, losses, rewards };
}

async function trainFamily(folder: string, family: Family): Promise<Record<string, unknown>> {
  await writeFolder(folder, family);
  const tool = join(root, 'tools/run.mjs');
  for (const method of ['sft', 'grpo'] as const) {
    const config = join(folder, `${method}.json`);
    const reward = method === 'grpo' ? ['--reward', join(folder, 'reward.js')] : [];
    const options = ['--config', config, '--out', join(folder, method), '--weights', values.weights];
    run(process.execPath, [tool, 'train', method, ...options, ...reward]);
  }
  const { problems, losses, rewards } = problemsOf(folder);
  if (values.python !== undefined) {
    const script = join(root, 'tools/peft/verify_adapter.py');
    const compared = ['--prompts', join(folder, 'scenes.json'), '--count', '3'];
    run(values.python, [script, join(folder, 'model'), '--adapter', join(folder, 'grpo'), ...compared]);
  }
  return { loss: [losses[0], losses.at(-1)], rewards, peft: values.python !== undefined, problems };
}

const results: Record<string, unknown>[] = [];
const work = mkdtempSync(join(tmpdir(), 'qlora-'));
try {
  for (const family of positionals.length > 0 ? (positionals as Family[]) : NAMES) {
    process.stdout.write(`== ${family} in ${values.weights}\n`);
    const result = await trainFamily(join(work, family), family).catch((error: Error) => ({
      problems: [error.message],
    }));
    results.push({ family, weights: values.weights, ...result });
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.stdout.write(`${JSON.stringify(results)}\n`);
process.exit(results.every(({ problems }) => (problems as string[]).length === 0) ? 0 : 1);
