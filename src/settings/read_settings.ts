// Reads settings against a table: unknown keys, wrong types, wrong choices and numbers out of range become problems that
// name the key with its path and say what it must be. Values are never changed on the way.

import { ArgumentError, type LookBackError } from '../lib/errors';
import { applies, faultOf, mustBe, type Nested, type ReadSetting, type SettingTable, shown } from './setting';

/** A key that cannot be used. */
export interface SettingProblem {
  /** Path of the key. */
  readonly path: string;
  /** A whole sentence that names the key. */
  readonly message: string;
}

type Tree = Readonly<Record<string, unknown>>;

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path such as `optim.learningRate`; undefined where there is none. Own properties only. */
export function settingAt(values: unknown, path: string): unknown {
  let value = values;
  for (const key of path.split('.')) {
    if (!isTree(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** Reads a plan by paths. */
export function readerOf(values: unknown): ReadSetting {
  return (path) => settingAt(values, path);
}

/** A copy with one value replaced; objects on the way are copied or made. */
export function withSetting<T>(values: T, path: string, value: unknown): T {
  const at = path.indexOf('.');
  if (at < 0) return { ...values, [path]: value };
  const head = path.slice(0, at);
  const below = settingAt(values, head);
  return { ...values, [head]: withSetting(isTree(below) ? below : {}, path.slice(at + 1), value) };
}

/** The default of every setting of a table. */
export function defaultsOf<const T extends SettingTable>(table: T): Nested<T> {
  let values: unknown = {};
  for (const [path, setting] of Object.entries(table)) values = withSetting(values, path, setting.default);
  return values as Nested<T>;
}

/** `learning_rate` and `learningrate` are both meant as `learningRate`. */
function plainName(path: string): string {
  return path.replaceAll('_', '').toLowerCase();
}

/** The path that somebody meant who wrote `path`: in other spelling, or in another section; null when none is near. */
function meant(table: SettingTable, path: string): string | null {
  const paths = Object.keys(table);
  const last = (of: string) => of.slice(of.lastIndexOf('.') + 1);
  return (
    paths.find((known) => plainName(known) === plainName(path)) ??
    paths.find((known) => plainName(last(known)) === plainName(last(path))) ??
    null
  );
}

function unknownKey(table: SettingTable, prefix: string, key: string): SettingProblem {
  const path = prefix + key;
  const near = meant(table, path);
  const beside = Object.keys(table).flatMap((known) =>
    known.startsWith(prefix) ? [known.slice(prefix.length).split('.')[0] ?? ''] : [],
  );
  const known = `${prefix === '' ? 'Known are' : `${prefix.slice(0, -1)} has`} ${[...new Set(beside)].join(', ')}.`;
  const help = near === null ? known : `Is ${near} meant?`;
  return { path, message: `There is no setting ${shown(path)}. ${help}` };
}

function walk(table: SettingTable, given: Tree, prefix: string, problems: SettingProblem[]): void {
  for (const [key, value] of Object.entries(given)) {
    const path = prefix + key;
    const setting = Object.hasOwn(table, path) ? table[path] : undefined;
    if (setting !== undefined) {
      if (faultOf(setting, value) !== null) problems.push(wrongValue(path, value, mustBe(setting)));
    } else if (Object.keys(table).some((known) => known.startsWith(`${path}.`))) {
      if (isTree(value)) walk(table, value, `${path}.`, problems);
      else problems.push(wrongValue(path, value, 'an object'));
    } else {
      problems.push(unknownKey(table, prefix, key));
    }
  }
}

/** A value that cannot be used, as a sentence. */
export function wrongValue(path: string, value: unknown, must: string): SettingProblem {
  const quoted = typeof value === 'string' && must.startsWith('a number') ? ', without quotation marks' : '';
  return { path, message: `${path} is ${shown(value)}; it must be ${must}${quoted}.` };
}

/** Everything that is wrong with the keys that are given; those that are absent are no problem. */
export function givenProblems(table: SettingTable, given: unknown): readonly SettingProblem[] {
  const problems: SettingProblem[] = [];
  if (isTree(given)) walk(table, given, '', problems);
  return problems;
}

/** Everything that is wrong or absent among the settings that have an effect on these values. */
export function effectiveProblems(table: SettingTable, of: ReadSetting): readonly SettingProblem[] {
  return Object.entries(table).flatMap(([path, setting]) => {
    if (!applies(setting, of)) return [];
    const value = of(path);
    return faultOf(setting, value) === null ? [] : [wrongValue(path, value, mustBe(setting))];
  });
}

/**
 * Puts given values over others, key by key. Those named in `whole` replace their section: what they leave out is 0.
 * Both must have been checked.
 */
export function merged<T>(table: SettingTable, base: T, given: unknown, whole: readonly string[] = []): T {
  let values = base;
  for (const path of Object.keys(table)) {
    const value = settingAt(given, path);
    const section = whole.find((one) => path.startsWith(`${one}.`));
    if (value !== undefined) values = withSetting(values, path, value);
    else if (section !== undefined && settingAt(given, section) !== undefined) {
      values = withSetting(values, path, 0);
    }
  }
  return values;
}

/** Throws an error that names every problem; its `data.key` is the path of the first. */
export function throwProblems(
  problems: readonly SettingProblem[],
  fail: (message: string, data: { readonly key: string }) => LookBackError = (message, data) =>
    new ArgumentError(message, data),
): void {
  const [first] = problems;
  if (first !== undefined) throw fail(problems.map(({ message }) => message).join('\n'), { key: first.path });
}
