// Finds the rows in a JSON object that is a whole file: a list under a name (`{"data": […]}`), splits side by side
// (`{"train": […], "test": […]}`), rows by id, or columns as pandas and `Dataset.to_dict` write them.
// pandas' orients are those of `DataFrame.to_json`: columns, index, split, table; records is a list, values has no names.

import type { RawRow } from './row_scanner';
import { isSplitName, preferredSplit } from './split_names';

/** The rows of a document, or why there are none. */
export type DocumentRows =
  | { readonly rows: readonly RawRow[]; readonly splits: readonly DocumentSplit[] }
  | { readonly reason: string };

/** A list of rows under the name of a split. */
export interface DocumentSplit {
  readonly name: string;
  readonly rows: number;
}

type Json = Readonly<Record<string, unknown>>;
type Members = readonly (readonly [name: string, value: unknown])[];

/** Names under which files keep their list of rows, the more telling ones first. */
const LIST_NAMES = [
  ...[
    'data',
    'rows',
    'examples',
    'samples',
    'records',
    'items',
    'entries',
    'instances',
    'dataset',
    'questions',
  ],
  ...['annotations', 'problems', 'qa_pairs', 'qas'],
];
const MAX_NAMED = 10;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRowList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isObject);
}

function isTurn(value: unknown): boolean {
  return isObject(value) && (Object.hasOwn(value, 'from') || Object.hasOwn(value, 'role'));
}

function toRows(items: readonly unknown[]): RawRow[] {
  return items.map((item, index) => {
    const row = index + 1;
    return isObject(item)
      ? { row, values: new Map(Object.entries(item)) }
      : { row, reason: 'must be a JSON object' };
  });
}

/** Rows from columns of equal length. */
function fromColumns(names: readonly string[], columns: readonly (readonly unknown[])[]): RawRow[] {
  const count = columns[0]?.length ?? 0;
  return Array.from({ length: count }, (_, index) => ({
    row: index + 1,
    values: new Map(names.map((name, column) => [name, columns[column]![index]])),
  }));
}

/** pandas' orient "split": names in `columns`, cells in `data`. */
function fromSplitOrient({ columns, data }: Json): RawRow[] | null {
  if (!Array.isArray(columns) || !Array.isArray(data)) return null;
  if (!data.every((cells) => Array.isArray(cells))) return null;
  const names = columns.map(String);
  return (data as readonly (readonly unknown[])[]).map((cells, index) => ({
    row: index + 1,
    values: new Map(names.map((name, column) => [name, cells[column]])),
  }));
}

/** `{"image": […], "question": […]}`, as `Dataset.to_dict` and `DataFrame.to_dict("list")` write. */
function fromLists(members: Members): RawRow[] | { reason: string } | null {
  const lists = members.flatMap(([, value]) => (Array.isArray(value) ? [value as readonly unknown[]] : []));
  if (lists.length < 2 || lists.length < members.length) return null;
  if (members.some(([name]) => isSplitName(name)) || lists.every(isRowList)) return null;
  // A chat beside a list of its pictures is one row.
  if (lists.some(([first]) => isTurn(first))) return null;
  const [first] = lists as [readonly unknown[]];
  const odd = members.find((_, index) => lists[index]?.length !== first.length);
  if (odd === undefined) {
    return fromColumns(
      members.map(([name]) => name),
      lists,
    );
  }
  const [[name]] = members as [readonly [string, unknown]];
  const counts = `"${name}" has ${first.length} values and "${odd[0]}" ${(odd[1] as unknown[]).length}`;
  return { reason: `holds columns of different lengths: ${counts}` };
}

const isIndex = (name: string): boolean => /^\d+$/.test(name);

/** Objects of objects: pandas' orient "columns" (`{"image": {"0": …}}`) or rows by their index or id. */
function fromObjects(members: Members): RawRow[] | null {
  if (members.length === 0 || !members.every(([, value]) => isObject(value))) return null;
  const objects = members.map(([, value]) => value as Json);
  const keys = Object.keys(objects[0]!);
  const columnWise = !members.every(([name]) => isIndex(name)) && keys.length > 0 && keys.every(isIndex);
  if (!columnWise) return toRows(objects);
  const indices = [...new Set(objects.flatMap((column) => Object.keys(column)))];
  return indices.map((index, at) => ({
    row: at + 1,
    values: new Map(
      members.map(([name], column) => [
        name,
        Object.hasOwn(objects[column]!, index) ? objects[column]![index] : undefined,
      ]),
    ),
  }));
}

function listNames(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMED).map((name) => `"${name.slice(0, 40)}"`);
  return shown.join(', ') + (names.length > MAX_NAMED ? ', …' : '');
}

/** A list under a known name, one list alone, or lists under the names of splits. */
function fromNamedLists(members: Members, split: string | null): DocumentRows | null {
  const lists = members.filter(([, value]) => isRowList(value)) as [string, readonly unknown[]][];
  const splits = lists
    .filter(([name]) => isSplitName(name))
    .map(([name, { length }]) => ({ name, rows: length }));
  const isAlone = members.length === lists.length;
  if (splits.length > 0 && isAlone) {
    const chosen = split ?? preferredSplit(splits.map(({ name }) => name));
    const list = lists.find(([name]) => name === chosen)?.[1];
    return list === undefined
      ? { reason: `has no split "${chosen}": it has ${listNames(splits.map(({ name }) => name))}` }
      : { rows: toRows(list), splits };
  }
  const named = LIST_NAMES.map((name) => lists.find((list) => list[0].toLowerCase() === name));
  const known = named.find((list) => list !== undefined);
  if (known !== undefined) return { rows: toRows(known[1]), splits: [] };
  if (lists.length > 1 && isAlone) {
    const names = listNames(lists.map(([name]) => name));
    return { reason: `holds several lists (${names}): keep the one with the rows, in a file of its own` };
  }
  const [only] = lists;
  return only !== undefined && isAlone && !only[1].some(isTurn)
    ? { rows: toRows(only[1]), splits: [] }
    : null;
}

/**
 * The rows of an object that is all that a file holds; null when the object is itself one row. `split` chooses among
 * lists that are named like splits; null chooses the training one. Rows are numbered from 1 in their list.
 */
export function readDocument(
  values: ReadonlyMap<string, unknown>,
  split: string | null,
): DocumentRows | null {
  const members = [...values];
  const found = fromSplitOrient(Object.fromEntries(members)) ?? fromLists(members) ?? fromObjects(members);
  if (found === null) return fromNamedLists(members, split);
  return 'reason' in found ? found : { rows: found, splits: [] };
}
