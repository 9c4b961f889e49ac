// Command line: runs an experiment. `npm run experiment -- NAME [--list | --verify | --merge FILE | --ship]`
// experiments/NAME.json states arms, seeds and questions; each stage and each arm's answers are run by the project's own
// commands, in an order that follows from the file. A run that was killed goes on where it stopped, and what
// docs/results/NAME.json holds of the same definition is not run again.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { DataError } from '../src/lib/errors';
import { itemAt } from '../src/lib/invariant';
import { createPrng } from '../src/lib/prng';
import { ADAPTER_WEIGHTS } from '../src/model/peft';
import type { ShippedName } from '../src/state/shipped_experiment';
import { log, readArgumentsWithWord, runCommand, UsageError } from './command_line';
import { type HeldParts, heldParts, joinedParts, NO_PARTS, readResults, unitsLeft } from './experiment_parts';
import {
  type Configs,
  type EvaluateUnit,
  type Experiment,
  isGiven,
  readExperiment,
  type Unit,
  unitsOf,
} from './experiment_plan';
import { experimentReport } from './experiment_report';
import { digest, type ExperimentResults, type KeptAnswers, type KeptTraining } from './experiment_results';
import { ExperimentRun, git } from './experiment_run';
import { shippedExperiment } from './experiment_shipping';
import { writeWhole } from './train_files';

const USAGE = `usage: npm run experiment -- NAME [options]

  NAME          a file of experiments/, without its ending
  --list        say what has been run and what has not, and run nothing
  --only ARMS   run these arms alone, separated by commas
  --merge FILE  add what another checkout found, its docs/results/NAME.json, to what was found here
  --ship        write what the page shows of docs/results/NAME.json to public/results, and NAME.md anew
  --from FILE   with --ship: results of another file
  --verify      answer 50 questions again, drawn at random, and compare them with what was kept

  Adapters, metrics and answers go to runs/experiments/NAME, and what they come to, after every step of the way, to
  docs/results/NAME.json and NAME.md. Run it from the root of the repository; killed, it goes on where it stopped. Answers
  that docs/results/NAME.json holds already are not asked for again, while their definition is the same.`;

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
  /** File whose results are to be added. */
  readonly merge: string | undefined;
  /** File whose results are to be shipped. */
  readonly ship: string | undefined;
}

function readCall(): Call {
  const flag = { type: 'boolean' } as const;
  const { word, values } = readArgumentsWithWord('NAME', {
    list: flag,
    only: { type: 'string' },
    verify: flag,
    merge: { type: 'string' },
    ship: flag,
    from: { type: 'string' },
  });
  if (!/^[a-z][a-z0-9_]*$/.test(word)) throw new UsageError(`"${word}" is no name of an experiment.`);
  const { list = false, verify = false, ship = false, merge, only, from } = values;
  if (Number(list) + Number(verify) + Number(ship) + Number(merge !== undefined) > 1)
    throw new UsageError('--list, --verify, --merge and --ship exclude each other.');
  if (from !== undefined && !ship) throw new UsageError('--from goes with --ship.');
  const shipped = ship ? (from ?? `docs/results/${word}.json`) : undefined;
  return { name: word, list, verify, merge, only: only?.split(','), ship: shipped };
}

/** A configuration as it was at a commit. */
function configAt(at: string, path: string): unknown {
  try {
    return JSON.parse(git('show', `${at.split(' ')[0]}:${path}`));
  } catch {
    throw new DataError(
      'data/config',
      `${path} of commit ${at} is not to be had from git here, so that results of it cannot be compared: fetch the commit.`,
    );
  }
}

/** Results in a file. @throws DataError `data/file` where there is none, else as {@link readResults} */
async function resultsIn(file: string): Promise<ExperimentResults> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new DataError('data/file', `${file} cannot be read.`);
  });
  return readResults(text, file, configAt);
}

/** What docs/results and the experiment's own folder hold of it. @throws where they have other answers to one part */
async function partsOf(run: ExperimentRun, units: readonly Unit[]): Promise<HeldParts> {
  const file = `docs/results/${run.experiment.name}.json`;
  const { experiment, configs } = run;
  const kept = existsSync(file) ? heldParts(await resultsIn(file), experiment, configs) : NO_PARTS;
  if (kept.foreign.length > 0)
    log(
      `${file}: made by another definition than the experiment now has, and left out: ${list(kept.foreign)}`,
    );
  return joinedParts(await run.here(units, kept), kept, [run.path(), file]);
}

const list = (folders: readonly string[]): string => folders.join(', ');

/** Writes what there is to docs/results; resolves to what has not been run. */
async function writeResults(
  { experiment, configs }: ExperimentRun,
  units: readonly Unit[],
  parts: HeldParts,
): Promise<readonly string[]> {
  const training: Record<string, KeptTraining> = {};
  const answers: KeptAnswers[] = [];
  const missing: string[] = [];
  for (const { folder } of units) {
    const [trained, answered] = [parts.training.get(folder), parts.answers.get(folder)];
    if (trained !== undefined) training[folder] = trained;
    else if (answered !== undefined) answers.push(answered);
    else missing.push(folder);
  }
  const results: ExperimentResults = { experiment, configs, missing, training, answers };
  if (answers.length > 0) {
    await writeWhole(`docs/results/${experiment.name}.json`, `${JSON.stringify(results)}\n`);
    await writeWhole(`docs/results/${experiment.name}.md`, experimentReport(results));
  }
  return missing;
}

/** Adds the results of another checkout. @throws where a part of them has another definition or other answers */
async function merge(run: ExperimentRun, units: readonly Unit[], file: string): Promise<void> {
  const other = heldParts(await resultsIn(file), run.experiment, run.configs);
  if (other.foreign.length > 0)
    throw new DataError(
      'data/row',
      `${file} was made by another definition than experiments/${run.experiment.name}.json and its configurations have: ${list(other.foreign)}.`,
    );
  const own = await partsOf(run, units);
  const missing = await writeResults(run, units, joinedParts(own, other, ['this checkout', file]));
  const added = [...other.answers.keys()].filter((folder) => !own.answers.has(folder));
  log(`Answers that were added: ${added.length === 0 ? 'none' : list(added)}.`);
  log(`${missing.length} of ${units.length} parts are missing.`);
}

/** Draws questions of finished arms anew and compares their answers, letter by letter, by their digests. */
async function verify(run: ExperimentRun, units: readonly Unit[], parts: HeldParts): Promise<void> {
  const there = units.flatMap((unit) => {
    const kept = unit.kind === 'evaluate' ? parts.answers.get(unit.folder) : undefined;
    return unit.kind === 'evaluate' && kept !== undefined ? [{ unit, digests: kept.digests.split(' ') }] : [];
  });
  const first = there[0];
  if (first === undefined)
    throw new DataError('data/row', 'Of no arm are answers here: run the experiment first.');
  const adapterHere = ({ adapter }: EvaluateUnit): boolean => adapter === null || run.hasAdapter(adapter);
  if (!there.some(({ unit }) => adapterHere(unit))) {
    log(`No adapter is here: that of ${first.unit.arm} is trained first.`);
    const left = unitsLeft(
      units,
      (folder) => folder !== first.unit.folder,
      (folder) => run.hasAdapter(folder),
    );
    for (const unit of left) if (unit.kind === 'train') await run.run(unit);
  }
  const asking = there.filter(({ unit }) => adapterHere(unit));
  const prng = createPrng(Date.now() % 2 ** 32);
  let [same, asked] = [0, 0];
  while (asked < VERIFIED) {
    const { unit, digests } = itemAt(asking, prng.nextInt(asking.length));
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
  const results = await resultsIn(from);
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
  const run = new ExperimentRun(whole, await configsOf(whole), signal);
  const units = unitsOf(whole);
  if (call.merge !== undefined) return await merge(run, units, call.merge);
  const strange = call.only?.find((name) => !whole.arms.some((arm) => arm.name === name));
  if (strange !== undefined) throw new UsageError(`There is no arm ${strange}.`);
  const { only } = call;
  const chosen =
    only === undefined
      ? units
      : unitsOf({ ...whole, arms: whole.arms.filter(({ name }) => only.includes(name)) });
  if (call.verify) return await verify(run, chosen, await partsOf(run, units));
  await runLeft(run, units, chosen, call.list);
}

/**
 * The configurations that an experiment's stages start from, and digests of adapters that are given.
 * @throws DataError naming a file that cannot be read
 */
async function configsOf({ stages }: Experiment): Promise<Configs> {
  const configs: Record<string, unknown> = {};
  const unread = (file: string): DataError => new DataError('data/config', `${file} cannot be read.`);
  for (const stage of Object.values(stages)) {
    if (isGiven(stage)) {
      const file = `${stage.adapter}/${ADAPTER_WEIGHTS}`;
      const bytes = await readFile(file).catch(() => {
        throw unread(file);
      });
      configs[stage.adapter] = { weights: createHash('sha256').update(bytes).digest('hex') };
      continue;
    }
    const { config } = stage;
    const text = await readFile(config, 'utf8').catch(() => {
      throw unread(config);
    });
    try {
      configs[config] = JSON.parse(text);
    } catch {
      throw new DataError('data/config', `${config} is no JSON.`);
    }
  }
  return configs;
}

/** Says of each chosen part where it is, and runs what is left of them unless only a list is wanted. */
async function runLeft(
  run: ExperimentRun,
  units: readonly Unit[],
  chosen: readonly Unit[],
  listing: boolean,
): Promise<void> {
  let parts = await partsOf(run, units);
  const left = unitsLeft(
    chosen,
    (folder) => parts.answers.has(folder),
    (folder) => run.hasAdapter(folder),
  );
  const stateOf = (unit: Unit): string => {
    if (left.includes(unit)) return listing ? ' is missing' : '';
    if (run.isDone(unit)) return ' is there';
    const known = parts.training.has(unit.folder) || parts.answers.has(unit.folder);
    return known ? ' is in the results' : ' is not needed';
  };
  for (const [i, unit] of chosen.entries()) {
    log(`${i + 1} of ${chosen.length}: ${unit.folder}${stateOf(unit)}`);
    if (listing || !left.includes(unit)) continue;
    await run.run(unit);
    parts = await partsOf(run, units);
    await writeResults(run, units, parts);
  }
  if (listing) return;
  const missing = await writeResults(run, units, parts);
  log(missing.length === 0 ? 'All is there.' : `${missing.length} of ${units.length} parts are missing.`);
}

await runCommand(USAGE, experiment);
