// Says which parts of an experiment's results hold: those that were made by the same definition (the configurations of all
// stages on the way, the prompt, the questions) as the experiment has now. By this, results made in several places add up.

import { DataError } from '../src/lib/errors';
import { JsonReader } from '../src/lib/json_reader';
import {
  answersFolder,
  type Configs,
  type Experiment,
  isGiven,
  isGivenAdapter,
  readExperiment,
  stageSettings,
  type Unit,
  unitsOf,
} from './experiment_plan';
import type { ExperimentResults, KeptAnswers, KeptTraining } from './experiment_results';

/** Parts of results, by their folders. */
export interface HeldParts {
  readonly training: ReadonlyMap<string, KeptTraining>;
  readonly answers: ReadonlyMap<string, KeptAnswers>;
  /** Folders of parts that the experiment does not have, or has by another definition. */
  readonly foreign: readonly string[];
}

/** No parts. */
export const NO_PARTS: HeldParts = { training: new Map(), answers: new Map(), foreign: [] };

/** JSON whose objects have their keys in order, so that equal values are equal texts. */
function ordered(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}

/** Everything that decides what each part comes to, as text, by the part's folder. */
export function definitionsOf(experiment: Experiment, configs: Configs): ReadonlyMap<string, string> {
  const definitions = new Map<string, string>();
  for (const unit of unitsOf(experiment)) {
    const { model } = experiment;
    const { adapter } = unit;
    const given = adapter !== null && isGivenAdapter(adapter) ? ordered(configs[adapter]) : null;
    const from = adapter === null ? null : (given ?? definitions.get(adapter));
    if (unit.kind === 'train') {
      const { method, config } = unit.stage;
      const settings = stageSettings(unit.stage, configs[config], unit.seed);
      definitions.set(unit.folder, ordered({ method, settings, from }));
    } else {
      const { name: _, ...questions } = unit.set;
      const { mode, lookTag, look, batch } = unit;
      // What is as it is without being said is not said: results of before could say it have the same definition.
      const said = { look: look === 'own' ? undefined : look, batch };
      definitions.set(unit.folder, ordered({ model, mode, lookTag, questions, from, ...said }));
    }
  }
  return definitions;
}

/** The parts of results, those that another definition made apart. */
export function heldParts(results: ExperimentResults, experiment: Experiment, configs: Configs): HeldParts {
  const now = definitionsOf(experiment, configs);
  const then = definitionsOf(results.experiment, results.configs);
  const holds = (folder: string): boolean => now.has(folder) && now.get(folder) === then.get(folder);
  const training = Object.entries(results.training);
  const answers = results.answers.map((one): [string, KeptAnswers] => [
    answersFolder(one.arm, one.seed, one.set),
    one,
  ]);
  return {
    training: new Map(training.filter(([folder]) => holds(folder))),
    answers: new Map(answers.filter(([folder]) => holds(folder))),
    foreign: [...training, ...answers].map(([folder]) => folder).filter((folder) => !holds(folder)),
  };
}

/**
 * Parts of two places together. Where both trained a stage, the first one's figures stay: devices differ in sampled tokens.
 * @param names of the two places, for the message
 * @throws DataError `data/row` naming the first part to which both have other answers
 */
export function joinedParts(own: HeldParts, other: HeldParts, names: readonly [string, string]): HeldParts {
  for (const [folder, { digests }] of other.answers) {
    const before = own.answers.get(folder);
    if (before === undefined || before.digests === digests) continue;
    throw new DataError(
      'data/row',
      `${folder}: ${names[1]} holds other answers to it than ${names[0]}. Keep one of the two, and take the other away.`,
    );
  }
  return {
    training: new Map([...other.training, ...own.training]),
    answers: new Map([...other.answers, ...own.answers]),
    foreign: [...own.foreign, ...other.foreign],
  };
}

/**
 * What is left to run of chosen parts, in their order: answers that are nowhere, and of training the stages on the way to
 * them from the last adapter that is here.
 */
export function unitsLeft(
  chosen: readonly Unit[],
  hasAnswers: (folder: string) => boolean,
  hasAdapter: (folder: string) => boolean,
): Unit[] {
  const left = new Set<string>();
  // A part stands behind what it builds on.
  for (const unit of [...chosen].reverse()) {
    if (unit.kind === 'evaluate' && !hasAnswers(unit.folder)) left.add(unit.folder);
    if (left.has(unit.folder) && unit.adapter !== null && !hasAdapter(unit.adapter)) left.add(unit.adapter);
  }
  return chosen.filter(({ folder }) => left.has(folder));
}

/** What stands in a file of results for an answer or a stage. */
type Fields = Record<string, unknown>;

/**
 * Reads a file of results.
 * @param file     what messages call it
 * @param configAt content of a configuration at a commit. Files that were written before results kept their
 *                 configurations, and one commit for all parts, are read by it.
 * @throws DataError `data/config` or `data/row` naming the file and what is wrong in it
 */
export function readResults(
  text: string,
  file: string,
  configAt: (commit: string, path: string) => unknown,
): ExperimentResults {
  const failure = (message: string): DataError => new DataError('data/row', `${message}.`);
  const value = parsed(text, file);
  const top = new JsonReader(value, file, failure);
  const named = top.object('experiment');
  const { name, ...definition } = top.raw('experiment') as Fields;
  const experiment = readExperiment(named.string('name'), JSON.stringify(definition), `${file}, experiment`);
  const all = top.has('commit') ? top.string('commit') : undefined;
  const then = (): Configs =>
    Object.fromEntries(
      Object.values(experiment.stages).flatMap((stage) =>
        isGiven(stage) ? [] : [[stage.config, asNow(configAt(all ?? '', stage.config))]],
      ),
    );
  const training = Object.entries(top.raw('training') ?? {}).map(
    ([folder, stage]): [string, KeptTraining] => {
      const own = new JsonReader(stage, file, failure, `training.${folder}`);
      const commit = all ?? own.string('commit');
      return [folder, { steps: own.integer('steps'), tokens: own.integer('tokens'), commit }];
    },
  );
  const listOf = (key: string): readonly unknown[] => {
    const value = top.raw(key);
    return Array.isArray(value) ? value : top.fail(key, 'must be a list');
  };
  const answers = listOf('answers').map((one, i) =>
    readAnswers(new JsonReader(one, file, failure, `answers[${i}]`), experiment, all),
  );
  return {
    ...{ experiment, configs: all === undefined ? configsIn(top) : then(), answers },
    ...{ missing: listOf('missing').map(String), training: Object.fromEntries(training) },
  };
}

/** A configuration from when the settings of evaluation stood among those of SFT, as one has it now. */
function asNow(config: unknown): unknown {
  const { sft, ...rest } = config as { sft?: Fields };
  if (sft === undefined) return config;
  const held = ['evalSteps', 'evalSize', 'evalSamples'];
  const of = (isHeld: boolean): Fields =>
    Object.fromEntries(Object.entries(sft).filter(([key]) => held.includes(key) === isHeld));
  return { ...of(true), ...rest, sft: of(false) };
}

function configsIn(top: JsonReader): Configs {
  top.object('configs');
  return top.raw('configs') as Configs;
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DataError('data/row', `${file} is no JSON: ${(error as Error).message}.`);
  }
}

/** An arm's answers to a set, with a place for every question. */
function readAnswers(own: JsonReader, { sets }: Experiment, all: string | undefined): KeptAnswers {
  const set = sets.find(({ name }) => name === own.string('set'));
  if (set === undefined) own.fail('set', 'is no set of the experiment');
  const each = <T extends { readonly length: number }>(key: string, value: T, places = value.length): T =>
    places === set.count
      ? value
      : own.fail(key, `must have ${set.count} places, one a question, not ${places}`);
  const lengths = own.raw('lengths');
  if (!Array.isArray(lengths)) own.fail('lengths', 'must be a list');
  const digests = own.string('digests');
  own.object('report');
  return {
    ...{
      arm: own.string('arm'),
      seed: own.has('seed') ? own.integer('seed', { max: 0xffff_ffff }) : null,
      set: set.name,
    },
    ...{ report: own.raw('report') as KeptAnswers['report'], device: own.string('device') },
    commit: all ?? own.string('commit'),
    correct: each('correct', own.string('correct')),
    lookedBack: each('lookedBack', own.string('lookedBack')),
    empty: each('empty', own.string('empty')),
    ...(own.has('hollow') ? { hollow: each('hollow', own.string('hollow')) } : {}),
    lengths: each('lengths', lengths as number[]),
    digests: each('digests', digests, digests.split(' ').length),
  };
}
