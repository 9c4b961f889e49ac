// Command line: runs an experiment. `npm run experiment -- NAME [--list | --verify | --ship]`
// experiments/NAME.json states arms, seeds and questions; each stage and each arm's answers are run by the project's own
// commands, in an order that follows from the file. A run that was killed goes on where it stopped.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { DataError } from '../src/lib/errors';
import { itemAt } from '../src/lib/invariant';
import { createPrng } from '../src/lib/prng';
import type { EvaluationReport, SceneOutcome } from '../src/lookback/evaluation';
import type { ShippedName } from '../src/state/shipped_experiment';
import { log, readArgumentsWithWord, runCommand, UsageError } from './command_line';
import { readOutcomes } from './evaluate_outcomes';
import {
  type EvaluateUnit,
  type Experiment,
  readExperiment,
  stageConfig,
  type TrainUnit,
  type Unit,
  unitsOf,
} from './experiment_plan';
import { experimentReport } from './experiment_report';
import { digest, type ExperimentResults, type KeptAnswers, keptAnswers } from './experiment_results';
import { shippedExperiment } from './experiment_shipping';
import { writeWhole } from './train_files';

const USAGE = `usage: npm run experiment -- NAME [options]

  NAME          a file of experiments/, without its ending
  --list        say what has been run and what has not, and run nothing
  --only ARMS   run these arms alone, separated by commas
  --ship        write what the page shows of docs/results/NAME.json to public/results, and NAME.md anew
  --from FILE   with --ship: results of another place
  --verify      answer 50 questions again, drawn at random, and compare them with what was kept

  Adapters, metrics and answers go to runs/experiments/NAME, and what they come to, after every step of the way, to
  docs/results/NAME.json and NAME.md. Run it from the root of the repository; killed, it goes on where it stopped.`;

/** Where the page finds results, and the list of them there. */
const SHIPPED = 'public/results';
const LIST = 'results.json';
const VERIFIED = 50;
const VERIFIED_AT_ONCE = 10;

interface Call {
  readonly name: string;
  readonly list: boolean;
  readonly only: readonly string[] | undefined;
  readonly verify: boolean;
  /** File whose results are to be shipped. */
  readonly ship: string | undefined;
}

function readCall(): Call {
  const flag = { type: 'boolean' } as const;
  const { word, values } = readArgumentsWithWord('NAME', {
    list: flag,
    only: { type: 'string' },
    verify: flag,
    ship: flag,
    from: { type: 'string' },
  });
  if (!/^[a-z][a-z0-9_]*$/.test(word)) throw new UsageError(`"${word}" is no name of an experiment.`);
  const { list = false, verify = false, ship = false, only, from } = values;
  if (Number(list) + Number(verify) + Number(ship) > 1)
    throw new UsageError('--list, --verify and --ship exclude each other.');
  if (from !== undefined && !ship) throw new UsageError('--from goes with --ship.');
  const shipped = ship ? (from ?? `docs/results/${word}.json`) : undefined;
  return { name: word, list, verify, only: only?.split(','), ship: shipped };
}

/** An experiment with its folder. */
class ExperimentRun {
  readonly experiment: Experiment;
  readonly #folder: string;
  readonly #signal: AbortSignal;

  constructor(experiment: Experiment, signal: AbortSignal) {
    this.experiment = experiment;
    this.#folder = join('runs/experiments', experiment.name);
    this.#signal = signal;
  }

  path(...parts: string[]): string {
    return join(this.#folder, ...parts);
  }

  /** Whether a unit is there whole. What ends a unit is written last. */
  isDone(unit: Unit): boolean {
    const end =
      unit.kind === 'train' ? this.path(unit.folder, 'finished.json') : this.path(`${unit.folder}.json`);
    return existsSync(end);
  }

  async run(unit: Unit): Promise<void> {
    if (unit.kind === 'train') await this.#train(unit);
    else await this.#evaluate(unit);
  }

  async #train({ folder, stage, seed, adapter }: TrainUnit): Promise<void> {
    const out = this.path(folder);
    await mkdir(out, { recursive: true });
    const config = this.path(`${folder}.config.json`);
    const from = adapter === null ? null : relative(dirname(config), this.path(adapter));
    const text = stageConfig(stage, await readFile(stage.config, 'utf8'), seed, from);
    const before = await readFile(config, 'utf8').catch(() => null);
    if (before !== null && before !== text) {
      throw new DataError(
        'data/config',
        `${out} was begun with another configuration than experiments/${this.experiment.name}.json now gives: move it away.`,
      );
    }
    await writeWhole(config, text);
    const stdout = await this.#command([
      'train',
      stage.method,
      '--config',
      config,
      '--out',
      out,
      '--resume',
      '--json',
    ]);
    await writeWhole(this.path(folder, 'finished.json'), stdout);
  }

  async #evaluate(unit: EvaluateUnit): Promise<void> {
    const out = this.path(`${unit.folder}.jsonl`);
    await mkdir(dirname(out), { recursive: true });
    const stdout = await this.#command([...this.#asking(unit), '--out', out, '--resume', '--json']);
    await writeWhole(this.path(`${unit.folder}.json`), stdout);
  }

  #asking({ mode, set, adapter }: EvaluateUnit): string[] {
    return [
      ...['evaluate', '--model', this.experiment.model, '--mode', mode, '--split', set.split],
      ...['--count', String(set.count), '--seed', String(set.seed), ...(set.visual ? ['--visual'] : [])],
      ...(adapter === null ? [] : ['--adapter', this.path(adapter)]),
    ];
  }

  /** What was kept of an arm's answers to a set. */
  async kept(unit: EvaluateUnit): Promise<KeptAnswers> {
    const { arm, seed, set } = unit;
    const { device, ...report } = JSON.parse(
      await readFile(this.path(`${unit.folder}.json`), 'utf8'),
    ) as EvaluationReport & { device: string };
    return keptAnswers(
      { arm, seed, set: set.name, report, device },
      await outcomesOf(this.path(`${unit.folder}.jsonl`)),
    );
  }

  /** Steps and sampled tokens of a stage of training. */
  async trained(unit: TrainUnit): Promise<{ steps: number; tokens: number }> {
    const lines = (await readFile(this.path(unit.folder, 'metrics.jsonl'), 'utf8')).trim().split('\n');
    const rows = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const tokens = rows.reduce((sum, row) => sum + (Number(row.step_tokens) || 0), 0);
    return { steps: rows.length, tokens };
  }

  /** The answers to chosen questions of a set, decoded anew. */
  async again(unit: EvaluateUnit, questions: readonly number[]): Promise<SceneOutcome[]> {
    const out = this.path('verify.jsonl');
    await this.#command([...this.#asking(unit), '--questions', questions.join(','), '--out', out, '--json']);
    return await outcomesOf(out);
  }

  /** Runs one of the project's commands; resolves to its output. @throws where it fails or is interrupted */
  async #command(args: readonly string[]): Promise<string> {
    const child: ChildProcess = spawn(process.execPath, ['tools/run.mjs', ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pieces: Buffer[] = [];
    child.stdout?.on('data', (piece: Buffer) => pieces.push(piece));
    const interrupt = (): void => void child.kill('SIGINT');
    this.#signal.addEventListener('abort', interrupt);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    }).finally(() => this.#signal.removeEventListener('abort', interrupt));
    if (this.#signal.aborted) throw new DataError('data/config', 'Interrupted; the same command goes on.');
    if (code !== 0) throw new DataError('data/config', `npm run ${args.join(' ')} ended with code ${code}.`);
    return Buffer.concat(pieces).toString('utf8');
  }
}

/** Outcomes in the order of the questions. */
async function outcomesOf(path: string): Promise<SceneOutcome[]> {
  return (await readOutcomes(path)).sort((a, b) => a.index - b.index);
}

function commit(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim();
  try {
    return (
      git('rev-parse', 'HEAD') +
      (git('status', '--porcelain', '--', 'src', 'shaders', 'tools') === '' ? '' : ' changed')
    );
  } catch {
    return 'unknown';
  }
}

/** Writes what is there to docs/results. */
async function writeResults(run: ExperimentRun, units: readonly Unit[]): Promise<ExperimentResults> {
  const { experiment } = run;
  const training: Record<string, { steps: number; tokens: number }> = {};
  const answers: KeptAnswers[] = [];
  const missing: string[] = [];
  for (const unit of units) {
    if (!run.isDone(unit)) missing.push(unit.folder);
    else if (unit.kind === 'train') training[unit.folder] = await run.trained(unit);
    else answers.push(await run.kept(unit));
  }
  const results: ExperimentResults = { experiment, commit: commit(), missing, training, answers };
  if (answers.length > 0) {
    await writeWhole(`docs/results/${experiment.name}.json`, `${JSON.stringify(results)}\n`);
    await writeWhole(`docs/results/${experiment.name}.md`, experimentReport(results));
  }
  return results;
}

/** Draws questions of finished arms anew and compares their answers, letter by letter, by their digests. */
async function verify(run: ExperimentRun, units: readonly Unit[]): Promise<void> {
  const results = JSON.parse(
    await readFile(`docs/results/${run.experiment.name}.json`, 'utf8'),
  ) as ExperimentResults;
  const there: { readonly unit: EvaluateUnit; readonly digests: readonly string[] }[] = [];
  for (const unit of units) {
    if (unit.kind !== 'evaluate') continue;
    const kept = results.answers.find(
      ({ arm, seed, set }) => arm === unit.arm && seed === unit.seed && set === unit.set.name,
    );
    const trained = units.find(({ folder }) => folder === unit.adapter);
    if (kept !== undefined && (trained === undefined || run.isDone(trained)))
      there.push({ unit, digests: kept.digests.split(' ') });
  }
  if (there.length === 0)
    throw new DataError('data/row', 'Of no arm are answers and adapter here: run the experiment first.');
  const prng = createPrng(Date.now() % 2 ** 32);
  let [same, asked] = [0, 0];
  while (asked < VERIFIED) {
    const { unit, digests } = itemAt(there, prng.nextInt(there.length));
    const drawn = new Set(Array.from({ length: VERIFIED_AT_ONCE }, () => prng.nextInt(unit.set.count)));
    for (const { index, text } of await run.again(unit, [...drawn])) {
      asked++;
      if (digests[index] === digest(text)) same++;
      else log(`${unit.folder}, question ${index}: another answer than was kept: ${text}`);
    }
  }
  log(`${same} of ${asked} questions have the same answer.`);
  if (same < asked) throw new DataError('data/row', `${asked - same} answers differ from what was kept.`);
}

/** Writes what the page draws of results, and the list of all that ship. */
async function shipResults(from: string): Promise<void> {
  const text = await readFile(from, 'utf8').catch(() => {
    throw new DataError(
      'data/file',
      `${from} cannot be read: run the experiment first, or name a file by --from.`,
    );
  });
  const results = JSON.parse(text) as ExperimentResults;
  const shipped = shippedExperiment(results);
  // Of our own results the page in Markdown is written anew, too: it follows from them alone.
  const own = `docs/results/${shipped.name}`;
  if (from === `${own}.json`) await writeWhole(`${own}.md`, experimentReport(results));
  await mkdir(SHIPPED, { recursive: true });
  await writeWhole(`${SHIPPED}/${shipped.name}.json`, `${JSON.stringify(shipped)}\n`);
  const names: ShippedName[] = [];
  for (const file of (await readdir(SHIPPED)).sort()) {
    if (!file.endsWith('.json') || file === LIST) continue;
    const { name, question } = JSON.parse(await readFile(`${SHIPPED}/${file}`, 'utf8')) as ShippedName;
    names.push({ name, question });
  }
  await writeWhole(`${SHIPPED}/${LIST}`, `${JSON.stringify(names)}\n`);
  log(`${SHIPPED}/${shipped.name}.json was written; ${shipped.missing} parts have not been run.`);
}

async function experiment(signal: AbortSignal): Promise<void> {
  const call = readCall();
  if (call.ship !== undefined) return await shipResults(call.ship);
  const file = `experiments/${call.name}.json`;
  const json = await readFile(file, 'utf8').catch(() => {
    throw new DataError('data/config', `${file} cannot be read; run this from the root of the repository.`);
  });
  const whole = readExperiment(call.name, json);
  const run = new ExperimentRun(whole, signal);
  const units = unitsOf(whole);
  if (call.verify) return await verify(run, units);
  const strange = call.only?.find((name) => !whole.arms.some((arm) => arm.name === name));
  if (strange !== undefined) throw new UsageError(`There is no arm ${strange}.`);
  const { only } = call;
  const chosen =
    only === undefined
      ? units
      : unitsOf({ ...whole, arms: whole.arms.filter(({ name }) => only.includes(name)) });
  for (const [i, unit] of chosen.entries()) {
    const done = run.isDone(unit);
    log(`${i + 1} of ${chosen.length}: ${unit.folder}${done ? ' is there' : call.list ? ' is missing' : ''}`);
    if (done || call.list) continue;
    await run.run(unit);
    await writeResults(run, units);
  }
  const { missing } = await writeResults(run, units);
  log(missing.length === 0 ? 'All is there.' : `${missing.length} of ${units.length} parts are missing.`);
}

await runCommand(USAGE, experiment);
