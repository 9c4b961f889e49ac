// Reads an experiment's file and says what has to be run for it: stages of training, which arms share where they begin
// alike, and evaluations of what was trained or is there already. Everything follows from the file, so that a plan is the same
// whenever it is made again.

import { LOOK_TAGS, type LookTagName } from '../src/answer/look_tags';
import type { QuestionKind } from '../src/data/world/question';
import { PICTURE_KINDS, type SplitQuestions } from '../src/data/world/split_questions';
import { SPLITS } from '../src/data/world/world_sample';
import { DataError } from '../src/lib/errors';
import { type JsonFailure, JsonReader } from '../src/lib/json_reader';
import { EVALUATION_SETTINGS, type EvaluationSettings } from '../src/settings/evaluation_settings';
import { REASONING_MODES, type ReasoningMode } from '../src/settings/reasoning_modes';
import { RunFileError, readRunFile } from '../src/settings/run_file';
import { choicesOf } from '../src/settings/setting';
import type { TrainingMethod } from '../src/settings/train_settings';

/** One stage of training: a committed configuration and what this experiment changes in it. */
export interface TrainedStage {
  readonly method: TrainingMethod;
  /** Path of a configuration, from the root of the repository. */
  readonly config: string;
  /** Keys to change, nested as in the configuration. */
  readonly set: Readonly<Record<string, unknown>>;
}

/** An adapter that is there already, taken as it stands. */
export interface GivenStage {
  /** Its folder, from the root of the repository. */
  readonly adapter: string;
}

/** What an arm's adapter comes from. */
export type Stage = TrainedStage | GivenStage;

/** One arm: its stages in order (none: the base itself), and what is measured: the prompt, and what stands in the looks. */
export interface Arm {
  readonly name: string;
  readonly says: string;
  /** An adapter that is given can only be the first. */
  readonly stages: readonly string[];
  readonly mode: ReasoningMode;
  /** Tags of its looks; absent for the method's own. */
  readonly lookTag?: LookTagName;
  readonly look: EvaluationSettings['look'];
}

/** Tables that an experiment adds to those of all: what answers take, what was done at their looks, which are hollow. */
export const TABLES = ['cost', 'looks', 'hollow'] as const;
/** One of {@link TABLES}. */
export type ExtraTable = (typeof TABLES)[number];

/** Questions that every arm is asked. */
export interface QuestionSet extends SplitQuestions {
  readonly name: string;
  readonly count: number;
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
  /** Questions at once, where that matters: seconds are those of one question only with 1. */
  readonly batch?: number;
  readonly tables: readonly ExtraTable[];
}

/** A stage of training that has to be run once, however many arms use it. */
export interface TrainUnit {
  readonly kind: 'train';
  /** Folder below the experiment's. */
  readonly folder: string;
  readonly stage: TrainedStage;
  readonly seed: number;
  /** The stage before it, whose adapter it continues: its folder, or that of a given adapter; null for a new adapter. */
  readonly adapter: string | null;
}

/** One arm's answers to one set. */
export interface EvaluateUnit {
  readonly kind: 'evaluate';
  readonly folder: string;
  readonly arm: string;
  readonly mode: ReasoningMode;
  readonly lookTag?: LookTagName | undefined;
  readonly look: Arm['look'];
  readonly batch: number | undefined;
  readonly set: QuestionSet;
  /** Null where nothing is trained. */
  readonly seed: number | null;
  /** As of a {@link TrainUnit}; null for the base. */
  readonly adapter: string | null;
}

/** One part of an experiment. */
export type Unit = TrainUnit | EvaluateUnit;

/** Whether a unit's adapter is one that is given: its folder is then a path from the root of the repository. */
export const isGivenAdapter = (folder: string): boolean => folder.startsWith('public/adapters/');

/** Content of configuration files, and of given adapters what tells them apart, by paths from the root of the repository. */
export type Configs = Readonly<Record<string, unknown>>;

type Json = Record<string, unknown>;

const LOOK_TAG_NAMES = Object.keys(LOOK_TAGS) as LookTagName[];
const NAME = /^[a-z][a-z0-9_]{0,60}$/;
const MOST_SEED = 0xffff_ffff;

const failure: JsonFailure = (message, key) => new DataError('data/config', `${message}.`, { key });

/** An object of the file that knows which keys it may have. */
class Part extends JsonReader {
  readonly #value: object;

  constructor(value: unknown, file: string, path: string, keys: readonly string[] | null) {
    super(value, file, failure, path);
    this.#value = value as object;
    const unknown = keys === null ? undefined : this.keys().find((key) => !keys.includes(key));
    if (unknown !== undefined) this.fail(unknown, 'is not known here');
  }

  /** Its own keys. */
  keys(): string[] {
    return Object.keys(this.#value);
  }

  /** Text that says something. */
  words(key: string): string {
    const value = this.string(key);
    return value.trim() === '' ? this.fail(key, 'must be text') : value;
  }

  /** A name that may stand in paths. */
  nameOf(key: string): string {
    const value = this.string(key);
    return NAME.test(value) ? value : this.fail(key, 'must be small letters, digits and underscores');
  }

  choice<T extends string>(key: string, choices: readonly T[]): T {
    const found = choices.find((one) => one === this.raw(key));
    return found ?? this.fail(key, `must be one of ${choices.join(', ')}`);
  }

  list(key: string): readonly unknown[] {
    const value = this.raw(key);
    return Array.isArray(value) ? value : this.fail(key, 'must be a list');
  }
}

/**
 * Reads an experiment's file.
 * @param name the file's name without its ending, the name of the experiment
 * @param file what messages call the file
 * @throws DataError `data/config` naming the key that is wrong
 */
export function readExperiment(name: string, json: string, file = `experiments/${name}.json`): Experiment {
  const part = (value: unknown, path: string, keys: readonly string[] | null) =>
    new Part(value, file, path, keys);
  const top = part(parsed(file, json), '', [
    ...['question', 'protocol', 'model', 'seeds', 'stages', 'arms', 'sets', 'comparisons'],
    ...['batch', 'tables'],
  ]);
  const named = <T>(key: string, read: (own: Part, name: string) => T): Record<string, T> => {
    const own = part(top.raw(key), key, null);
    for (const one of own.keys())
      if (!NAME.test(one)) own.fail(one, 'must be small letters, digits and underscores');
    return Object.fromEntries(own.keys().map((one) => [one, read(own, one)]));
  };
  const items = <T extends { readonly name: string }>(
    key: string,
    keysOfItem: readonly string[],
    read: (own: Part) => T,
  ): T[] => {
    const all = top.list(key).map((value, i) => read(part(value, `${key}[${i}]`, keysOfItem)));
    if (all.length === 0) top.fail(key, 'must not be empty');
    const twice = all.find((one, i) => all.findIndex((other) => other.name === one.name) < i);
    return twice === undefined ? all : top.fail(key, `holds ${twice.name} twice`);
  };
  const stages = named('stages', (own, stage) =>
    readStage(part(own.raw(stage), `stages.${stage}`, ['method', 'config', 'set', 'adapter'])),
  );
  const arms = items('arms', ['name', 'says', 'stages', 'mode', 'lookTag', 'look'], (own) =>
    readArm(own, stages),
  );
  const sets = items('sets', ['name', 'split', 'visual', 'kinds', 'count', 'seed'], readSet);
  const seeds = top.integers('seeds', { max: MOST_SEED });
  if (seeds.length === 0 || new Set(seeds).size < seeds.length)
    top.fail('seeds', 'must be different whole numbers');
  return {
    ...{ name, stages, arms, sets, seeds },
    question: top.words('question'),
    protocol: named('protocol', (own, heading) => own.words(heading)),
    model: top.words('model'),
    comparisons: top.list('comparisons').map((pair, i) => readPair(top, pair, `comparisons[${i}]`, arms)),
    ...(top.has('batch') ? { batch: top.integer('batch', { min: 1 }) } : {}),
    tables: top.has('tables') ? readTables(top) : [],
  };
}

function parsed(file: string, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw failure(`${file}: the file is no JSON: ${(error as Error).message}`, '');
  }
}

function readTables(top: Part): ExtraTable[] {
  return top.list('tables').map((name, i) => {
    const found = TABLES.find((one) => one === name);
    return found ?? top.fail(`tables[${i}]`, `must be one of ${TABLES.join(', ')}`);
  });
}

function readStage(part: Part): Stage {
  if (part.has('adapter')) {
    const adapter = part.words('adapter');
    if (!/^public\/adapters\/[\w-]+$/.test(adapter))
      part.fail('adapter', 'must be a folder of public/adapters/');
    const beside = part.keys().find((key) => key !== 'adapter');
    return beside === undefined ? { adapter } : part.fail(beside, 'does not go with an adapter');
  }
  const config = part.words('config');
  if (!/^configs\/[\w-]+\.json$/.test(config)) part.fail('config', 'must be a file of configs/');
  const set = part.raw('set') ?? {};
  return {
    method: part.choice('method', ['sft', 'grpo']),
    config,
    set: isRecord(set) ? set : part.fail('set', 'must be an object'),
  };
}

function readArm(part: Part, stages: Readonly<Record<string, Stage>>): Arm {
  const own = (part.has('stages') ? part.list('stages') : []).map(String);
  const known = Object.keys(stages);
  const strange = own.findIndex((stage) => !known.includes(stage));
  if (strange >= 0) part.fail(`stages[${strange}]`, `must be one of ${known.join(', ')}`);
  const late = own.findIndex((stage, i) => i > 0 && isGiven(stages[stage]));
  if (late >= 0)
    part.fail(`stages[${late}]`, 'is an adapter as it stands, before which nothing can be trained');
  const look = part.has('look') ? part.choice('look', choicesOf(EVALUATION_SETTINGS.look)) : 'own';
  if (look !== 'own' && part.has('lookTag')) part.fail('look', 'goes with the usual tags alone');
  return {
    name: part.nameOf('name'),
    says: part.words('says'),
    stages: own,
    mode: part.choice('mode', REASONING_MODES),
    look,
    ...(part.has('lookTag') ? { lookTag: part.choice('lookTag', LOOK_TAG_NAMES) } : {}),
  };
}

/** Whether a stage is an adapter that is there already. */
export const isGiven = (stage: Stage | undefined): stage is GivenStage =>
  stage !== undefined && 'adapter' in stage;

function readSet(part: Part): QuestionSet {
  return {
    name: part.nameOf('name'),
    split: part.choice('split', SPLITS),
    visual: part.boolean('visual'),
    ...(part.has('kinds') ? { kinds: readKinds(part) } : {}),
    count: part.integer('count', { min: 1 }),
    seed: part.integer('seed', { max: MOST_SEED }),
  };
}

function readKinds(part: Part): QuestionKind[] {
  const kinds = part.list('kinds').map((given) => PICTURE_KINDS.find((kind) => kind === given));
  const known = kinds.filter((kind) => kind !== undefined);
  return known.length === 0 || known.length < kinds.length
    ? part.fail('kinds', `must list some of ${PICTURE_KINDS.join(', ')}`)
    : known;
}

function readPair(top: Part, pair: unknown, key: string, arms: readonly Arm[]): readonly [string, string] {
  const known = (name: unknown): name is string => arms.some((arm) => arm.name === name);
  if (!Array.isArray(pair) || pair.length !== 2 || !known(pair[0]) || !known(pair[1]))
    return top.fail(key, `must name two of ${arms.map(({ name }) => name).join(', ')}`);
  return [pair[0], pair[1]];
}

/** Where an arm's answers to a set lie. @param seed null where nothing is trained */
export function answersFolder(arm: string, seed: number | null, set: string): string {
  return `${seed === null ? 'base' : `seed${seed}`}/answers/${arm}/${set}`;
}

/** What to run, in an order in which everything finds what it builds on: one seed after the other. */
export function unitsOf({ seeds, arms, sets, stages, batch }: Experiment): Unit[] {
  const units = new Map<string, Unit>();
  const add = (unit: Unit): void => void (units.has(unit.folder) || units.set(unit.folder, unit));
  for (const seed of seeds) {
    for (const arm of arms) {
      const own = arm.stages.map((name) => stages[name]);
      const places = own.map((stage, i) =>
        isGiven(stage) ? stage.adapter : `seed${seed}/${arm.stages.slice(0, i + 1).join('+')}`,
      );
      for (const [i, folder] of places.entries()) {
        const stage = own[i];
        if (stage === undefined || isGiven(stage)) continue;
        add({ kind: 'train', folder, stage, seed, adapter: places[i - 1] ?? null });
      }
      const adapter = places.at(-1) ?? null;
      // The base, and an adapter as it stands, are the same for every seed.
      const owner = own.every(isGiven) ? null : seed;
      for (const set of sets) {
        const folder = answersFolder(arm.name, owner, set.name);
        const { name, mode, lookTag, look } = arm;
        const asked = { arm: name, mode, lookTag, look, batch, set, seed: owner, adapter };
        add({ kind: 'evaluate', folder, ...asked });
      }
    }
  }
  return [...units.values()];
}

/**
 * Every key that a stage is trained with: what the file gives, what the experiment changes, and its seed.
 * @param given content of the stage's configuration file
 */
export function stageSettings({ set }: TrainedStage, given: unknown, seed: number): Json {
  const own = isRecord(given) ? given : {};
  return { ...merged(own, set), adapter: null, seed: (Number(own.seed) || 0) + 1000 * seed };
}

/**
 * The configuration of a stage, with where it begins.
 * @param committed text of the stage's configuration file
 * @param adapter   folder to continue, as the configuration is to name it; null for a new adapter
 * @throws DataError `data/config` where the outcome is no configuration
 */
export function stageConfig(
  stage: TrainedStage,
  committed: string,
  seed: number,
  adapter: string | null,
): string {
  const { method, config } = stage;
  const whole = { ...stageSettings(stage, JSON.parse(committed), seed), adapter };
  const text = `${JSON.stringify(whole, null, 2)}\n`;
  try {
    readRunFile(text, method);
  } catch (error) {
    if (!(error instanceof RunFileError)) throw error;
    throw new DataError('data/config', `${config} as the experiment changes it: ${error.message}`);
  }
  return text;
}

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function merged(given: Json, changes: Json): Json {
  const entries = Object.entries(changes).map(([key, value]): [string, unknown] => {
    const before = given[key];
    return [key, isRecord(value) && isRecord(before) ? merged(before, value) : value];
  });
  return { ...given, ...Object.fromEntries(entries) };
}
