// Shows how much room the stored items take, all of them in one table that sorts by any column, what could go, and whether
// the browser promised to keep them. The browser's figures are estimates, and are called so.

import { type Signal, useComputed, useSignal } from '@preact/signals';
import { formatBytes } from '../../lib/format';
import type { ItemKind, Library } from '../../state/library';
import { cleanUps, type StoredColumn, type StoredOrder, sortStored } from '../../state/stored_items';
import type { StoredItem } from '../../worker/protocol/library';
import { Icon } from '../icons';
import { LIBRARY_COPY } from './library_copy';
import type { Doomed } from './stored_items';

const COLUMNS: readonly StoredColumn[] = ['kind', 'name', 'bytes', 'usedAt', 'origin'];
/** Columns whose largest or newest is looked for first. */
const DESCENDING_FIRST: readonly StoredColumn[] = ['bytes', 'usedAt'];

/** What is deleted from here: a cold start and an evaluation go on their own pages. */
function doomedOf({ kind, id, name, bytes }: StoredItem): Doomed | null {
  if (kind === 'coldStart' || kind === 'evaluation') return null;
  return { item: kind satisfies ItemKind, id, name, bytes };
}

function DeleteButton({
  item,
  onDelete,
}: {
  readonly item: StoredItem;
  readonly onDelete: (doomed: Doomed) => void;
}) {
  const doomed = doomedOf(item);
  if (doomed === null) return null;
  return (
    <button
      type="button"
      class="quiet small"
      aria-label={`${LIBRARY_COPY.delete} ${LIBRARY_COPY.items[item.kind].toLowerCase()} ${item.name}`}
      onClick={() => onDelete(doomed)}
    >
      <Icon name="delete" />
    </button>
  );
}

function SortHeader({
  column,
  order,
}: {
  readonly column: StoredColumn;
  readonly order: Signal<StoredOrder>;
}) {
  const { by, descending } = order.value;
  const sorted = by === column ? (descending ? 'descending' : 'ascending') : 'none';
  return (
    <th scope="col" aria-sort={sorted}>
      <button
        type="button"
        class="sort-button"
        onClick={() => {
          const first = DESCENDING_FIRST.includes(column);
          order.value = { by: column, descending: by === column ? !descending : first };
        }}
      >
        {LIBRARY_COPY.storageColumns[column]}
        <span aria-hidden="true">{sorted === 'none' ? '' : descending ? ' ↓' : ' ↑'}</span>
      </button>
    </th>
  );
}

interface ItemsProps {
  readonly items: readonly StoredItem[];
  readonly onDelete: (doomed: Doomed) => void;
}

function Items({ items, onDelete }: ItemsProps) {
  const order = useSignal<StoredOrder>({ by: 'bytes', descending: true });
  const total = items.reduce((sum, { bytes }) => sum + bytes, 0);
  return (
    <table class="storage-items">
      <caption>{LIBRARY_COPY.storageItems}</caption>
      <thead>
        <tr>
          {COLUMNS.map((column) => (
            <SortHeader key={column} column={column} order={order} />
          ))}
          <td />
        </tr>
      </thead>
      <tbody>
        {sortStored(items, order.value).map((item) => (
          <tr key={`${item.kind}/${item.id}`}>
            <td>{LIBRARY_COPY.items[item.kind]}</td>
            <th scope="row">{item.name}</th>
            <td>{formatBytes(item.bytes)}</td>
            <td>{LIBRARY_COPY.storageUsedAt(item.usedAt)}</td>
            <td>{LIBRARY_COPY.storageOrigins[item.origin]}</td>
            <td>
              <DeleteButton item={item} onDelete={onDelete} />
            </td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <td />
          <th scope="row">{LIBRARY_COPY.storageTotal(items.length)}</th>
          <td>{formatBytes(total)}</td>
          <td />
          <td />
          <td />
        </tr>
      </tfoot>
    </table>
  );
}

function CleanUps({ library, items, onDelete }: ItemsProps & { readonly library: Library }) {
  const found = cleanUps(items, library.runs.value, Date.now());
  if (found.length === 0) return null;
  return (
    <div class="clean-ups" data-testid="clean-ups">
      <h4>{LIBRARY_COPY.cleanUp}</h4>
      <ul>
        {found.map(({ item, reason }) => (
          <li key={`${item.kind}/${item.id}`}>
            <span>
              {LIBRARY_COPY.items[item.kind]} “{item.name}”, {formatBytes(item.bytes)}:{' '}
              {LIBRARY_COPY.cleanUpReasons[reason]}
            </span>
            <DeleteButton item={item} onDelete={onDelete} />
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Whether the browser may clear it, and the way to ask it not to, which only a page can. */
function Persistence({ library, persisted }: { readonly library: Library; readonly persisted: boolean }) {
  const refused = useSignal(false);
  const { storage } = navigator;
  const ask = async () => {
    refused.value = !(await storage.persist().catch(() => false));
    await library.refreshUsage();
  };
  return (
    <div class="storage-promise">
      <p class="hint" role="status">
        {persisted
          ? LIBRARY_COPY.persisted
          : refused.value
            ? LIBRARY_COPY.persistRefused
            : LIBRARY_COPY.notPersisted}
      </p>
      {!persisted && typeof storage?.persist === 'function' && (
        <button type="button" class="quiet" data-testid="persist" onClick={() => void ask()}>
          {LIBRARY_COPY.persist}
        </button>
      )}
    </div>
  );
}

/** The panel. */
export function StoragePanel({
  library,
  onDelete,
}: {
  readonly library: Library;
  readonly onDelete: (doomed: Doomed) => void;
}) {
  const items = useComputed(() => library.usage.value?.items ?? []);
  const usage = library.usage.value;
  return (
    <section
      class="panel"
      aria-labelledby="storage-title"
      data-testid="storage-usage"
      data-used={usage?.usedBytes ?? ''}
      data-persisted={usage === null ? '' : String(usage.persisted)}
    >
      <header class="panel-head">
        <h3 id="storage-title">{LIBRARY_COPY.storage}</h3>
        {usage !== null && <span>{LIBRARY_COPY.storageUsed(usage.usedBytes, usage.quotaBytes)}</span>}
      </header>
      {usage === null ? (
        <p class="empty">{LIBRARY_COPY.storageUnknown}</p>
      ) : (
        <>
          {usage.quotaBytes > 0 && (
            <meter
              class="storage-meter"
              aria-label={LIBRARY_COPY.storageMeter}
              value={Math.min(usage.usedBytes, usage.quotaBytes)}
              max={usage.quotaBytes}
              high={usage.quotaBytes * 0.9}
            />
          )}
          <Persistence library={library} persisted={usage.persisted} />
          <CleanUps library={library} items={items.value} onDelete={onDelete} />
          {items.value.length > 0 && <Items items={items.value} onDelete={onDelete} />}
        </>
      )}
    </section>
  );
}
