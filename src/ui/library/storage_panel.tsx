// Shows how much room the stored items take, which of them take it, and whether the browser promised to keep them.
// The browser's figures are estimates, and are called so.

import { useComputed } from '@preact/signals';
import { formatBytes } from '../../lib/format';
import type { Library } from '../../state/library';
import type { StorageUsage } from '../../worker/protocol/library';
import { LIBRARY_COPY } from './library_copy';

function Items({ items }: { readonly items: StorageUsage['items'] }) {
  const total = items.reduce((sum, { bytes }) => sum + bytes, 0);
  return (
    <table class="storage-items">
      <caption>{LIBRARY_COPY.storageItems}</caption>
      <thead>
        <tr>
          {LIBRARY_COPY.storageColumns.map((name) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {items.map(({ kind, id, name, bytes }) => (
          <tr key={`${kind}/${id}`}>
            <td>{LIBRARY_COPY.items[kind]}</td>
            <th scope="row">{name}</th>
            <td>{formatBytes(bytes)}</td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <td />
          <th scope="row">{LIBRARY_COPY.storageTotal(items.length)}</th>
          <td>{formatBytes(total)}</td>
        </tr>
      </tfoot>
    </table>
  );
}

/** The panel. */
export function StoragePanel({ library }: { readonly library: Library }) {
  const items = useComputed(() => [...(library.usage.value?.items ?? [])].sort((a, b) => b.bytes - a.bytes));
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
          <p class="hint">{usage.persisted ? LIBRARY_COPY.persisted : LIBRARY_COPY.notPersisted}</p>
          {items.value.length > 0 && <Items items={items.value} />}
        </>
      )}
    </section>
  );
}
