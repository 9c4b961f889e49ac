// Sorts what is stored by any of its columns, and finds what could be deleted to make room, with the reason. Nothing is
// ever deleted by itself.

import type { StoredItem } from '../worker/protocol/library';
import type { RunSummary } from '../worker/protocol/training';
import { isLive } from './session';

/** A column of the table of stored items. */
export type StoredColumn = 'kind' | 'name' | 'bytes' | 'usedAt' | 'origin';

/** How the table is sorted. */
export interface StoredOrder {
  readonly by: StoredColumn;
  readonly descending: boolean;
}

/** Sorted by a column, texts as people sort them; what has no last use comes as if it were the oldest. */
export function sortStored(items: readonly StoredItem[], { by, descending }: StoredOrder): StoredItem[] {
  const compare = (a: StoredItem, b: StoredItem): number => {
    const [one, other] = [a[by], b[by]];
    if (typeof one === 'string' && typeof other === 'string') {
      return one.localeCompare(other, 'en', { numeric: true });
    }
    return Number(one ?? 0) - Number(other ?? 0);
  };
  return [...items].sort((a, b) => (descending ? -1 : 1) * compare(a, b) || b.bytes - a.bytes);
}

/** Why an item could go: a cut-off download, a run whose adapter is saved, long unused, a large part of it all. */
export type CleanUpReason = 'part' | 'saved' | 'unused' | 'large';

/** An item that could go. */
export interface CleanUp {
  readonly item: StoredItem;
  readonly reason: CleanUpReason;
}

const DAY_MS = 86_400_000;
/** Unused for so long. */
export const UNUSED_DAYS = 30;
/** A large item takes so much of all that is stored, and at least so many bytes. */
const LARGE_SHARE = 0.25;
const LARGE_BYTES = 50 * 2 ** 20;
/** More suggestions than this are a list of their own. */
const MOST = 5;

function reasonOf(
  item: StoredItem,
  all: { readonly bytes: number; readonly runs: readonly RunSummary[]; readonly now: number },
): CleanUpReason | null {
  if (!item.whole) return 'part';
  const run = item.kind === 'run' ? all.runs.find(({ id }) => id === item.id) : undefined;
  if (run !== undefined && isLive(run.state)) return null;
  const over = run?.state === 'finished' || run?.state === 'stopped';
  if (over && run?.adapterId !== null) return 'saved';
  if (item.usedAt !== null && all.now - item.usedAt > UNUSED_DAYS * DAY_MS) return 'unused';
  return item.bytes >= Math.max(LARGE_BYTES, LARGE_SHARE * all.bytes) ? 'large' : null;
}

/**
 * What could be deleted, largest first, at most five.
 * @param now milliseconds since 1970
 */
export function cleanUps(
  items: readonly StoredItem[],
  runs: readonly RunSummary[],
  now: number,
): readonly CleanUp[] {
  const bytes = items.reduce((sum, item) => sum + item.bytes, 0);
  return sortStored(items, { by: 'bytes', descending: true })
    .flatMap((item) => {
      const reason = reasonOf(item, { bytes, runs, now });
      return reason === null ? [] : [{ item, reason }];
    })
    .slice(0, MOST);
}
