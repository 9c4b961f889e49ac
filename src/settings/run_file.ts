// Reads and writes the configuration file of a run: one JSON object with the settings of the table, the model, the
// source and the adapter. The page exports it with a run, and `npm run train -- --config` takes it.

import { JsonSyntaxError, parseStrictJson, type StrictJson } from '../lib/strict_json';
import { evaluatesHeldOut } from './held_out_settings';
import { LOOK_TAG } from './look_tag';
import {
  defaultsOf,
  givenProblems,
  merged,
  readerOf,
  type SettingProblem,
  settingAt,
  withSetting,
  wrongValue,
} from './read_settings';
import { applies, mustBe, type Nested, text } from './setting';
import { SOURCE_KIND, WHOLE_SECTIONS } from './train_plan';
import { TRAIN_SETTINGS, type TrainingMethod } from './train_settings';

/** Every key of the file but `about`, which holds facts for people and is passed over. */
export const RUN_FILE_SETTINGS = {
  model: text('', {
    group: 'kind',
    label: 'Base model',
    help: 'A built-in model or a Hugging Face folder.',
  }),
  adapter: text(null, {
    group: 'kind',
    label: 'Adapter',
    help: 'Folder of the adapter to continue, relative to the file; it keeps its own rank, alpha and targets, and is GRPO’s reference.',
  }),
  'source.kind': SOURCE_KIND,
  'source.file': text('', {
    group: 'kind',
    label: 'Rows',
    help: 'A table with its pictures beside it, a folder, or a zip; relative to the file.',
    docs: 'SFT trains on the rows with a written response.',
    source: 'dataset',
  }),
  ...TRAIN_SETTINGS,
  lookTag: LOOK_TAG,
  evalFile: text(null, {
    group: 'evaluation',
    label: 'Evaluate on',
    help: 'Another set, named as source.file is; without it, examples of the source are held out.',
    docs: 'evalSize counts its rows, drawn by the seed.',
    when: evaluatesHeldOut,
  }),
} as const;

/** Keys without a default. */
export const NEEDED_KEYS: readonly string[] = ['model', 'mode', 'source.kind', 'source.file'];

/** A configuration whose every key is there. */
export type RunFile = Nested<typeof RUN_FILE_SETTINGS>;

/** What was read. */
export interface ReadRunFile {
  readonly file: RunFile;
  /** Keys that are given and have no effect on this run. */
  readonly unused: readonly string[];
}

/** What is wrong with a file; `problems` is never empty. */
export class RunFileError extends Error {
  readonly problems: readonly SettingProblem[];

  constructor(problems: readonly SettingProblem[]) {
    super(problems.map(({ message }) => message).join('\n'));
    this.problems = problems;
  }
}

/** Maps as objects without a prototype, so that no key means anything by itself. */
function plain(value: StrictJson): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!(value instanceof Map)) return value;
  const object: Record<string, unknown> = Object.create(null);
  for (const [key, inner] of value) object[key] = plain(inner);
  return object;
}

function parse(json: string): unknown {
  const given = json.replace(/^\uFEFF/, '');
  if (given.trim() === '') throw new RunFileError([{ path: '', message: 'The file is empty.' }]);
  try {
    return plain(parseStrictJson(given));
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const before = given.slice(0, error.position).split('\n');
    const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
    const reason = error.message.replace(/ at character \d+$/, '');
    throw new RunFileError([{ path: '', message: `This is no JSON: ${reason} in ${place}.` }]);
  }
}

function neededProblems(given: unknown): SettingProblem[] {
  return NEEDED_KEYS.flatMap((path) => {
    const setting = RUN_FILE_SETTINGS[path as keyof typeof RUN_FILE_SETTINGS];
    const section = path.split('.')[0] ?? path;
    // A section that is no object has been named already.
    const broken =
      section !== path &&
      settingAt(given, section) !== undefined &&
      typeof settingAt(given, section) !== 'object';
    if (broken || !applies(setting, readerOf(given)) || settingAt(given, path) !== undefined) return [];
    return [{ path, message: `${path} is missing; it must be ${mustBe(setting)}.` }];
  });
}

/**
 * Reads a configuration for a method.
 * @param json the text of the file
 * @throws RunFileError naming every key that is unknown, wrong or missing
 */
export function readRunFile(json: string, method: TrainingMethod): ReadRunFile {
  const parsed = parse(json);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new RunFileError([{ path: '', message: 'The file must hold one JSON object.' }]);
  }
  const { about: _, ...given } = parsed as Record<string, unknown>;
  const problems = [...givenProblems(RUN_FILE_SETTINGS, given), ...neededProblems(given)];
  const named = given.method;
  if (named !== undefined && named !== method && problems.every(({ path }) => path !== 'method')) {
    problems.push(wrongValue('method', named, `${method}, as the command says, or left out`));
  }
  if (problems.length > 0) throw new RunFileError(problems);
  const file = {
    ...merged(RUN_FILE_SETTINGS, defaultsOf(RUN_FILE_SETTINGS), given, WHOLE_SECTIONS),
    method,
  };
  const of = planReader(file);
  const unused = Object.entries(RUN_FILE_SETTINGS).flatMap(([path, setting]) =>
    settingAt(given, path) !== undefined && !applies(setting, of) ? [path] : [],
  );
  return { file, unused };
}

/** Reads a file as a plan is read: the adapter that it continues stands at `adapterId`. */
function planReader(file: unknown) {
  const of = readerOf(file);
  return (path: string) => of(path === 'adapterId' ? 'adapter' : path);
}

/** What a file is written from. */
export type RunFileSource = Omit<RunFile, 'source' | 'lookTag'> & {
  /** Absent of runs of the page, whose looks have the method's own tags. */
  readonly lookTag?: RunFile['lookTag'];
  readonly source: Partial<RunFile['source']> & Pick<RunFile['source'], 'kind'>;
};

/**
 * Writes a configuration: every setting that has an effect, in the order of the table.
 * @param about facts for people, e.g. device and fingerprint of the base
 */
export function writeRunFile(run: RunFileSource, about: Readonly<Record<string, unknown>>): string {
  const of = planReader(run);
  let file: object = {};
  for (const [path, setting] of Object.entries(RUN_FILE_SETTINGS)) {
    const value = of(path === 'adapter' ? 'adapterId' : path);
    if (value !== undefined && value !== null && applies(setting, of)) file = withSetting(file, path, value);
  }
  return `${JSON.stringify({ ...file, about }, null, 2)}\n`;
}
