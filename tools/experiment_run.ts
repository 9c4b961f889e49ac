// Runs the parts of an experiment by the project's own commands, and keeps what they make in a folder: the configurations,
// adapters and metrics of stages, the outcomes of answers, and the commit of the sources that made each.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { DataError } from '../src/lib/errors';
import type { EvaluationReport, SceneOutcome } from '../src/lookback/evaluation';
import { readOutcomes } from './evaluate_outcomes';
import type { HeldParts } from './experiment_parts';
import {
  type Configs,
  type EvaluateUnit,
  type Experiment,
  isGivenAdapter,
  stageConfig,
  type TrainUnit,
  type Unit,
} from './experiment_plan';
import { type KeptAnswers, type KeptTraining, keptAnswers } from './experiment_results';
import { writeWhole } from './train_files';

/** What a stage of training came to; written last. */
const FINISHED = 'finished.json';
/** Stands for a commit where git cannot be asked. */
const UNKNOWN = 'unknown';

/** What says by which sources something was made. */
interface Made {
  readonly commit?: string;
}

/** An experiment with its folder. */
export class ExperimentRun {
  readonly experiment: Experiment;
  /** The committed configurations of its stages. */
  readonly configs: Configs;
  readonly #folder: string;
  readonly #signal: AbortSignal;

  constructor(experiment: Experiment, configs: Configs, signal: AbortSignal) {
    this.experiment = experiment;
    this.configs = configs;
    this.#folder = join('runs/experiments', experiment.name);
    this.#signal = signal;
  }

  path(...parts: string[]): string {
    return join(this.#folder, ...parts);
  }

  /** The file of what a unit came to, which is written last. */
  #end({ kind, folder }: Unit): string {
    return kind === 'train' ? this.path(folder, FINISHED) : this.path(`${folder}.json`);
  }

  /** Whether a unit is there whole. */
  isDone(unit: Unit): boolean {
    return existsSync(this.#end(unit));
  }

  /** Whether an adapter is here: one that is given, or that of a stage of training, by its folder, once that has ended. */
  hasAdapter(folder: string): boolean {
    return isGivenAdapter(folder) || existsSync(this.path(folder, FINISHED));
  }

  /** Where a unit's adapter lies. */
  #adapterAt(folder: string): string {
    return isGivenAdapter(folder) ? folder : this.path(folder);
  }

  async run(unit: Unit): Promise<void> {
    if (unit.kind === 'train') await this.#train(unit);
    else await this.#evaluate(unit);
  }

  async #train(unit: TrainUnit): Promise<void> {
    const { folder, stage, seed, adapter } = unit;
    const out = this.path(folder);
    await mkdir(out, { recursive: true });
    const config = this.path(`${folder}.config.json`);
    const from = adapter === null ? null : relative(dirname(config), this.#adapterAt(adapter));
    const text = stageConfig(stage, await readFile(stage.config, 'utf8'), seed, from);
    const before = await readFile(config, 'utf8').catch(() => null);
    if (before !== null && before !== text) {
      throw new DataError(
        'data/config',
        `${out} was begun with another configuration than experiments/${this.experiment.name}.json now gives: move it away.`,
      );
    }
    await writeWhole(config, text);
    await this.#finish(unit, ['train', stage.method, '--config', config, '--out', out, '--resume', '--json']);
  }

  async #evaluate(unit: EvaluateUnit): Promise<void> {
    const out = this.path(`${unit.folder}.jsonl`);
    await mkdir(dirname(out), { recursive: true });
    await this.#finish(unit, [...this.#asking(unit), '--out', out, '--resume', '--json']);
  }

  /** Runs a unit's command and keeps what it came to, with the commit of the sources. */
  async #finish(unit: Unit, args: readonly string[]): Promise<void> {
    const sources = commit();
    const report = lastObject(await this.#command(args));
    await writeWhole(this.#end(unit), `${JSON.stringify({ ...report, commit: sources })}\n`);
  }

  #asking({ mode, lookTag, look, batch, set, adapter }: EvaluateUnit): string[] {
    return [
      ...['evaluate', '--model', this.experiment.model, '--mode', mode, '--look', look, '--split', set.split],
      ...['--count', String(set.count), '--seed', String(set.seed), ...(set.visual ? ['--visual'] : [])],
      ...(lookTag === undefined ? [] : ['--look-tag', lookTag]),
      ...(set.kinds === undefined ? [] : ['--kinds', set.kinds.join(',')]),
      ...(batch === undefined ? [] : ['--batch', String(batch)]),
      ...(adapter === null ? [] : ['--adapter', this.#adapterAt(adapter)]),
    ];
  }

  /** What is kept of an arm's answers to a set. Folders of before commits were kept have none. */
  async kept(unit: EvaluateUnit, before: KeptAnswers | undefined): Promise<KeptAnswers> {
    const { arm, seed, set } = unit;
    const {
      device,
      commit = before?.commit ?? UNKNOWN,
      ...report
    } = lastObject(await readFile(this.#end(unit), 'utf8')) as EvaluationReport & Made & { device: string };
    return keptAnswers(
      { arm, seed, set: set.name, report, device, commit },
      await outcomesOf(this.path(`${unit.folder}.jsonl`)),
    );
  }

  /** What is kept of a stage of training. */
  async trained(unit: TrainUnit, before: KeptTraining | undefined): Promise<KeptTraining> {
    const { commit = before?.commit ?? UNKNOWN } = lastObject(
      await readFile(this.#end(unit), 'utf8'),
    ) as Made;
    const lines = (await readFile(this.path(unit.folder, 'metrics.jsonl'), 'utf8')).trim().split('\n');
    const rows = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const tokens = rows.reduce((sum, row) => sum + (Number(row.step_tokens) || 0), 0);
    return { steps: rows.length, tokens, commit };
  }

  /** All parts that are here. */
  async here(units: readonly Unit[], before: HeldParts): Promise<HeldParts> {
    const training = new Map<string, KeptTraining>();
    const answers = new Map<string, KeptAnswers>();
    for (const unit of units.filter((one) => this.isDone(one))) {
      const { folder } = unit;
      if (unit.kind === 'train') training.set(folder, await this.trained(unit, before.training.get(folder)));
      else answers.set(folder, await this.kept(unit, before.answers.get(folder)));
    }
    return { training, answers, foreign: [] };
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

/** The report of a command: the last line that it prints. */
const lastObject = (stdout: string): object => JSON.parse(stdout.trim().split('\n').at(-1) ?? '');

/** Outcomes in the order of the questions. */
async function outcomesOf(path: string): Promise<SceneOutcome[]> {
  return (await readOutcomes(path)).sort((a, b) => a.index - b.index);
}

/** Output of git. @throws where it fails */
export const git = (...args: string[]): string =>
  execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

/** The commit of the sources, and whether they have been changed since. */
function commit(): string {
  try {
    const changed = git('status', '--porcelain', '--', 'src', 'shaders', 'tools') !== '';
    return git('rev-parse', 'HEAD') + (changed ? ' changed' : '');
  } catch {
    return UNKNOWN;
  }
}
