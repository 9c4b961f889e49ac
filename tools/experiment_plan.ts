// Reads an experiment's file and says what has to be run for it: stages of training, which arms share where they begin
// alike, and evaluations. Everything follows from the file, so that a plan is the same whenever it is made again.

import { SPLITS, type Split } from '../src/data/world/world_sample';
import { DataError } from '../src/lib/errors';
import { REASONING_MODES, type ReasoningMode } from '../src/settings/reasoning_modes';
import { RunFileError, readRunFile } from '../src/settings/run_file';
import type { TrainingMethod } from '../src/settings/train_settings';

/** One stage of training: a committed configuration and what this experiment changes in it. */
export interface Stage {
  readonly method: TrainingMethod;
  /** Path of a configuration, from the root of the repository. */
  readonly config: string;
  /** Keys to change, nested as in the configuration. */
  readonly set: Readonly<Record<string, unknown>>;
}

/** One arm: stages of training in order (none: the base itself) and the prompt that is measured. */
export interface Arm {
  readonly name: string;
  readonly says: string;
  readonly stages: readonly string[];
  readonly mode: ReasoningMode;
}

/** Questions that every arm is asked. */
export interface QuestionSet {
  readonly name: string;
  readonly split: Split;
  readonly visual: boolean;
  readonly count: number;
  readonly seed: number;
}

/** An experiment as its file states it. */
export interface Experiment {
  readonly name: string;
  readonly question: string;
  /** What was decided before anything ran, by heading. */
  readonly protocol: Readonly<Record<string, string>>;
  readonly model: string;
  readonly seeds: readonly number[];
  readonly stages: Readonly<Record<string, Stage>>;
  readonly arms: readonly Arm[];
  readonly sets: readonly QuestionSet[];
  /** Pairs of arms; the second is held against the first. */
  readonly comparisons: readonly (readonly [string, string])[];
}

/** A stage of training that has to be run once, however many arms use it. */
export interface TrainUnit {
  readonly kind: 'train';
  /** Folder below the experiment's. */
  readonly folder: string;
  readonly method: TrainingMethod;
  /** The whole configuration; its adapter is a folder below the experiment's, or null. */
  readonly stage: Stage;
  readonly seed: number;
  readonly adapter: string | null;
}

/** One arm's answers to one set. */
export interface EvaluateUnit {
  readonly kind: 'evaluate';
  readonly folder: string;
  readonly arm: string;
  readonly mode: ReasoningMode;
  readonly set: QuestionSet;
  readonly seed: number | null;
  readonly adapter: string | null;
}

/** One part of an experiment. */
export type Unit = TrainUnit | EvaluateUnit;

type Fail = (key: string, reason: string) => never;
type Json = Record<string, unknown>;

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const NAME = /^[a-z][a-z0-9_]{0,60}$/;
const TOP = ['question', 'protocol', 'model', 'seeds', 'stages', 'arms', 'sets', 'comparisons'];

/**
 * Reads an experiment's file.
 * @param name the file's name without its ending, the name of the experiment
 * @throws DataError `data/config` naming the key that is wrong
 */
export function readExperiment(name: string, json: string): Experiment {
  const fail: Fail = (key, reason) => {
    throw new DataError('data/config', `experiments/${name}.json: ${key} ${reason}`, { key });
  };
  const file = parsed(json, fail);
  onlyKeys(file, TOP, '', fail);
  const stages = named(file.stages, 'stages', fail, (value, key) => readStage(value, key, fail));
  const arms = list(file.arms, 'arms', fail).map((value, i) => readArm(value, `arms[${i}]`, stages, fail));
  const sets = list(file.sets, 'sets', fail).map((value, i) => readSet(value, `sets[${i}]`, fail));
  unique(arms, 'arms', fail);
  unique(sets, 'sets', fail);
  if (arms.length === 0) fail('arms', 'must hold at least one arm.');
  if (sets.length === 0) fail('sets', 'must hold at least one set.');
  const seeds = list(file.seeds, 'seeds', fail).map((value, i) => whole(value, `seeds[${i}]`, 0, fail));
  if (seeds.length === 0 || new Set(seeds).size < seeds.length)
    fail('seeds', 'must be different whole numbers.');
  return {
    ...{ name, stages, arms, sets, seeds },
    question: words(file.question, 'question', fail),
    protocol: named(file.protocol, 'protocol', fail, (value, key) => words(value, key, fail)),
    model: words(file.model, 'model', fail),
    comparisons: list(file.comparisons, 'comparisons', fail).map((value, i) =>
      readPair(value, `comparisons[${i}]`, arms, fail),
    ),
  };
}

function parsed(json: string, fail: Fail): Json {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    fail('the file', `is no JSON: ${(error as Error).message}`);
  }
  return record(value, 'the file', fail);
}

function record(value: unknown, key: string, fail: Fail): Json {
  return isRecord(value) ? value : fail(key, 'must be an object.');
}

function list(value: unknown, key: string, fail: Fail): readonly unknown[] {
  return Array.isArray(value) ? value : fail(key, 'must be a list.');
}

function words(value: unknown, key: string, fail: Fail): string {
  return typeof value === 'string' && value.trim() !== '' ? value : fail(key, 'must be text.');
}

function whole(value: unknown, key: string, least: number, fail: Fail): number {
  const good = typeof value === 'number' && Number.isSafeInteger(value) && value >= least;
  return good ? value : fail(key, `must be a whole number from ${least}.`);
}

function choice<T extends string>(value: unknown, key: string, choices: readonly T[], fail: Fail): T {
  const found = choices.find((one) => one === value);
  return found ?? fail(key, `must be one of ${choices.join(', ')}.`);
}

function onlyKeys(value: Json, keys: readonly string[], at: string, fail: Fail): void {
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined) fail(at === '' ? unknown : `${at}.${unknown}`, 'is not known here.');
}

/** An object whose every key is a name. */
function named<T>(value: unknown, at: string, fail: Fail, read: (value: unknown, key: string) => T) {
  const entries = Object.entries(record(value, at, fail)).map(([name, own]): [string, T] => {
    if (!NAME.test(name)) fail(`${at}.${name}`, 'must be small letters, digits and underscores.');
    return [name, read(own, `${at}.${name}`)];
  });
  return Object.fromEntries(entries);
}

function unique(items: readonly { readonly name: string }[], at: string, fail: Fail): void {
  const twice = items.find(({ name }, i) => items.findIndex((other) => other.name === name) < i);
  if (twice !== undefined) fail(at, `holds ${twice.name} twice.`);
}

function nameOf(value: unknown, key: string, fail: Fail): string {
  const name = words(value, key, fail);
  return NAME.test(name) ? name : fail(key, 'must be small letters, digits and underscores.');
}

function readStage(value: unknown, key: string, fail: Fail): Stage {
  const stage = record(value, key, fail);
  onlyKeys(stage, ['method', 'config', 'set'], key, fail);
  const config = words(stage.config, `${key}.config`, fail);
  if (!/^configs\/[\w-]+\.json$/.test(config)) fail(`${key}.config`, 'must be a file of configs/.');
  return {
    method: choice(stage.method, `${key}.method`, ['sft', 'grpo'] as const, fail),
    config,
    set: stage.set === undefined ? {} : record(stage.set, `${key}.set`, fail),
  };
}

function readArm(value: unknown, key: string, stages: Readonly<Record<string, Stage>>, fail: Fail): Arm {
  const arm = record(value, key, fail);
  onlyKeys(arm, ['name', 'says', 'stages', 'mode'], key, fail);
  const own = list(arm.stages ?? [], `${key}.stages`, fail).map((stage, i) =>
    choice(stage, `${key}.stages[${i}]`, Object.keys(stages), fail),
  );
  return {
    name: nameOf(arm.name, `${key}.name`, fail),
    says: words(arm.says, `${key}.says`, fail),
    stages: own,
    mode: choice(arm.mode, `${key}.mode`, REASONING_MODES, fail),
  };
}

function readSet(value: unknown, key: string, fail: Fail): QuestionSet {
  const set = record(value, key, fail);
  onlyKeys(set, ['name', 'split', 'visual', 'count', 'seed'], key, fail);
  if (typeof set.visual !== 'boolean') fail(`${key}.visual`, 'must be true or false.');
  return {
    name: nameOf(set.name, `${key}.name`, fail),
    split: choice(set.split, `${key}.split`, SPLITS, fail),
    visual: set.visual === true,
    count: whole(set.count, `${key}.count`, 1, fail),
    seed: whole(set.seed, `${key}.seed`, 0, fail),
  };
}

function readPair(value: unknown, key: string, arms: readonly Arm[], fail: Fail): readonly [string, string] {
  const names = arms.map(({ name }) => name);
  const pair = list(value, key, fail);
  if (pair.length !== 2) fail(key, 'must name two arms.');
  return [choice(pair[0], `${key}[0]`, names, fail), choice(pair[1], `${key}[1]`, names, fail)];
}

/** What to run, in an order in which everything finds what it builds on: one seed after the other. */
export function unitsOf({ seeds, arms, sets, stages }: Experiment): Unit[] {
  const units = new Map<string, Unit>();
  const add = (unit: Unit): void => void (units.has(unit.folder) || units.set(unit.folder, unit));
  for (const seed of seeds) {
    for (const arm of arms) {
      const trained = arm.stages.map((_, i) => `seed${seed}/${arm.stages.slice(0, i + 1).join('+')}`);
      for (const [i, folder] of trained.entries()) {
        const stage = stages[arm.stages[i] ?? ''];
        if (stage === undefined) continue;
        add({ kind: 'train', folder, method: stage.method, stage, seed, adapter: trained[i - 1] ?? null });
      }
      // The base is the same for every seed.
      const adapter = trained.at(-1) ?? null;
      const owner = adapter === null ? null : seed;
      for (const set of sets) {
        const folder = `${owner === null ? 'base' : `seed${owner}`}/answers/${arm.name}/${set.name}`;
        add({ kind: 'evaluate', folder, arm: arm.name, mode: arm.mode, set, seed: owner, adapter });
      }
    }
  }
  return [...units.values()];
}

/**
 * The configuration of a stage: what the file gives, what the experiment changes, its seed and where it begins.
 * @param committed text of the stage's configuration file
 * @param adapter   folder to continue, as the configuration is to name it; null for a new adapter
 * @throws DataError `data/config` where the outcome is no configuration
 */
export function stageConfig(
  { method, config, set }: Stage,
  committed: string,
  seed: number,
  adapter: string | null,
): string {
  const given = JSON.parse(committed) as Json;
  const whole = { ...merged(given, set), adapter, seed: (Number(given.seed) || 0) + 1000 * seed };
  const text = `${JSON.stringify(whole, null, 2)}\n`;
  try {
    readRunFile(text, method);
  } catch (error) {
    if (!(error instanceof RunFileError)) throw error;
    throw new DataError('data/config', `${config} as the experiment changes it: ${error.message}`);
  }
  return text;
}

function merged(given: Json, changes: Json): Json {
  const entries = Object.entries(changes).map(([key, value]): [string, unknown] => {
    const before = given[key];
    return [key, isRecord(value) && isRecord(before) ? merged(before, value) : value];
  });
  return { ...given, ...Object.fromEntries(entries) };
}
