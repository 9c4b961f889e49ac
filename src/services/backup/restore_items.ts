// Restores the items of a backup one by one, each whole or not at all. What is here already is kept: an equal item stays
// as it is, and one of the same id with other contents is restored beside it, under another name and an id that follows
// from its contents, so that the same backup restores it once.

import { crc32 } from '../../data/dataset/crc32';
import { StorageError } from '../../lib/errors';
import { plainError } from '../../lib/plain_error';
import type { Items, NewPart } from '../../storage/item_store';
import { ITEM_KINDS, ITEM_TABLES, type MadeKind, type PlainRecord } from '../../storage/item_tables';
import { ensureRoom } from '../../storage/quota';
import { recordSize } from '../../storage/record_size';
import type { RestoredItem } from '../../worker/protocol/backup';
import type { ItemFolder, OpenBackup } from './backup_file';
import { identityOf, itemEntries, RECORD_FILE } from './item_entries';
import { ITEM_RULES, type MapId } from './made_items';

/** What is to be done with an item. */
export interface PlannedItem {
  readonly kind: MadeKind;
  readonly name: string;
  readonly folder: ItemFolder;
  readonly act:
    | { readonly do: 'write'; readonly id: string; readonly renamed: boolean; readonly record: PlainRecord }
    | { readonly do: 'keep' }
    | { readonly do: 'refuse'; readonly reason: string };
}

/** What the items of a backup come to, and how they are called here. */
export interface RestorePlan {
  readonly items: readonly PlannedItem[];
  readonly map: MapId;
}

/** Whether the item here has the same files as the one of a backup. */
async function isSame(
  items: Items,
  folder: ItemFolder,
  id: string,
  record: PlainRecord,
  signal: AbortSignal,
): Promise<boolean> {
  const here = await items.record(folder.kind, id);
  if (here === null) return false;
  if ((await identityOf(folder.kind, here)) !== (await identityOf(folder.kind, record))) return false;
  for await (const { path, bytes } of itemEntries(items, folder.kind, id)) {
    signal.throwIfAborted();
    if (path === RECORD_FILE) continue;
    const entry = folder.entries.get(path);
    if (entry === undefined || entry.size !== bytes.length || entry.crc !== crc32(bytes)) return false;
  }
  return true;
}

/** An id that follows from an id and the files of an item, in the form of a UUID. */
async function derivedId(id: string, { entries }: ItemFolder): Promise<string> {
  const lines = [...entries].map(([path, { size, crc }]) => `${path} ${size} ${crc}`).sort();
  const text = new TextEncoder().encode([id, ...lines].join('\n'));
  const hash = [...new Uint8Array(await crypto.subtle.digest('SHA-256', text))];
  const hex = hash.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}

async function planned(
  items: Items,
  folder: ItemFolder,
  ids: Map<string, string>,
  signal: AbortSignal,
): Promise<PlannedItem['act']> {
  const { kind } = folder;
  const { record } = await folder.record();
  const id = String(record.id);
  if (ids.has(`${kind} ${id}`)) return { do: 'refuse', reason: 'The backup holds it twice.' };
  const others = await items.ids(kind);
  if (!others.includes(id)) {
    if (ITEM_TABLES[kind].single && others.length > 0)
      return { do: 'refuse', reason: 'There is one here already, and room for no other: delete that first.' };
    ids.set(`${kind} ${id}`, id);
    return { do: 'write', id, renamed: false, record };
  }
  if (await isSame(items, folder, id, record, signal)) {
    ids.set(`${kind} ${id}`, id);
    return { do: 'keep' };
  }
  if (ITEM_TABLES[kind].single)
    return { do: 'refuse', reason: 'It is here already as it was at another time, and room for no other.' };
  const other = await derivedId(id, folder);
  ids.set(`${kind} ${id}`, other);
  return others.includes(other) ? { do: 'keep' } : { do: 'write', id: other, renamed: true, record };
}

/**
 * Decides what is to be done with each item, in the order in which it is to be done. Writes nothing.
 * @throws the signal's reason
 */
export async function planRestore(
  { manifest, folders }: OpenBackup,
  items: Items,
  signal: AbortSignal,
): Promise<RestorePlan> {
  const ids = new Map<string, string>();
  const plan: PlannedItem[] = [];
  const order = folders
    .map((folder, at) => ({ folder, name: manifest.items[at]?.name ?? '' }))
    .sort((a, b) => ITEM_KINDS.indexOf(a.folder.kind) - ITEM_KINDS.indexOf(b.folder.kind));
  for (const { folder, name } of order) {
    signal.throwIfAborted();
    const act = await planned(items, folder, ids, signal).catch((error: unknown): PlannedItem['act'] => {
      signal.throwIfAborted();
      return { do: 'refuse', reason: plainError(error).message };
    });
    plan.push({ kind: folder.kind, name, folder, act });
  }
  return { items: plan, map: (kind, id) => ids.get(`${kind} ${id}`) ?? id };
}

const RESTORED = / \(restored\)$/;

async function write(
  { kind, folder, name }: PlannedItem,
  act: Extract<PlannedItem['act'], { do: 'write' }>,
  { items, map, signal }: { readonly items: Items; readonly map: MapId; readonly signal: AbortSignal },
  onBytes: (bytes: number) => void,
): Promise<string> {
  const rules = ITEM_RULES[kind];
  const { tables } = await folder.record();
  const mapped = rules.withReferences(act.record, map);
  const own = rules.nameOf(mapped);
  const record = {
    ...(act.renamed ? rules.withName(mapped, `${own.replace(RESTORED, '')} (restored)`) : mapped),
    id: act.id,
  };
  const counter = rules.counter(record);
  await ensureRoom(folder.bytes, `"${name}"`);
  const parts = async function* (): AsyncGenerator<NewPart> {
    for (const table of ITEM_TABLES[kind].parts) {
      for await (const row of folder.rows(table, tables[table.file])) {
        const value = { ...row, [table.owner]: act.id };
        const fault = counter.take(table.store, value);
        if (fault !== null)
          throw new StorageError('storage/backup', `“${name}” cannot be restored: ${fault}.`);
        const bytes = recordSize(value);
        onBytes(bytes);
        yield { store: table.store, value: table.sized ? { ...value, bytes } : value };
      }
    }
  };
  const finished = (partBytes: number): PlainRecord => {
    const whole = counter.finish();
    if (typeof whole === 'string')
      throw new StorageError('storage/backup', `“${name}” cannot be restored: ${whole}.`);
    return { ...whole, bytes: partBytes + recordSize({ ...whole, bytes: 0 }) };
  };
  await items.write({ kind, id: act.id, parts: parts(), record: finished, what: `“${name}”` }, signal);
  return rules.nameOf(record);
}

/**
 * Does what was planned with one item. Never rejects, except with the signal's reason.
 * @param onBytes hears of each part, with its bytes
 */
export async function restoreItem(
  item: PlannedItem,
  around: { readonly items: Items; readonly map: MapId; readonly signal: AbortSignal },
  onBytes: (bytes: number) => void,
): Promise<RestoredItem> {
  const { kind, name, act } = item;
  if (act.do === 'keep') return { kind, name, outcome: 'kept', detail: null };
  if (act.do === 'refuse') return { kind, name, outcome: 'refused', detail: act.reason };
  try {
    const called = await write(item, act, around, onBytes);
    return act.renamed
      ? { kind, name, outcome: 'renamed', detail: called }
      : { kind, name, outcome: 'restored', detail: null };
  } catch (error) {
    around.signal.throwIfAborted();
    return { kind, name, outcome: 'refused', detail: plainError(error).message };
  }
}
