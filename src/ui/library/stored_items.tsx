// Shows what the Library and the Data page share: the question before an item is deleted, with what that frees and which
// runs need the item, and what the last command came to.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { deletionEffects } from '../../state/deletion_effects';
import type { ItemKind, Library } from '../../state/library';
import { Confirm } from '../confirm';
import { download, fileName } from '../download';
import { Icon } from '../icons';
import { Notice } from '../notice';
import { effectSentence, LIBRARY_COPY, newsSentence } from './library_copy';

/** An item about to be deleted. */
export interface Doomed {
  readonly item: ItemKind;
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
}

/** How an item becomes a file from which it can come back or be looked at; null for what comes from elsewhere. */
function exportOf(library: Library, item: ItemKind, id: string): (() => Promise<Blob | null>) | null {
  switch (item) {
    case 'adapter':
      return () => library.exportAdapter(id);
    case 'run':
      return () => library.exportRun(id);
    case 'dataset':
      return () => library.exportDataset(id);
    case 'trace':
      return () => library.exportTrace(id);
    case 'model':
      return null;
  }
}

/** Exports what goes, where that gives a file from which it can come back or be looked at. */
function ExportFirst({ library, doomed }: { readonly library: Library; readonly doomed: Doomed }) {
  const done = useSignal(false);
  const busy = useSignal(false);
  const { item, id, name } = doomed;
  const making = exportOf(library, item, id);
  if (making === null) return null;
  const save = async () => {
    busy.value = true;
    const zip = await making();
    busy.value = false;
    if (zip === null) return;
    download(zip, fileName(name, item === 'trace' ? 'trace.json' : 'zip', item));
    done.value = true;
  };
  return (
    <p class="export-first">
      <button
        type="button"
        class="quiet"
        data-testid="export-first"
        disabled={library.busy.value}
        onClick={() => void save()}
      >
        <Icon name="download" /> {LIBRARY_COPY.confirmExport}
      </button>
      {busy.value && item === 'dataset' && (
        <button type="button" class="quiet" onClick={library.cancelExport}>
          {LIBRARY_COPY.confirmExportCancel}
        </button>
      )}
      <span role="status">
        {busy.value ? LIBRARY_COPY.confirmExporting : done.value && LIBRARY_COPY.confirmExported}
      </span>
    </p>
  );
}

/** Asks before an item is deleted, and deletes it. */
export function DeleteConfirm({
  library,
  doomed,
  onDone,
}: {
  readonly library: Library;
  readonly doomed: Doomed;
  readonly onDone: () => void;
}) {
  return (
    <Confirm
      title={LIBRARY_COPY.confirmTitle(doomed.item, doomed.name)}
      yes={LIBRARY_COPY.confirmYes}
      onNo={onDone}
      onYes={() => {
        onDone();
        void library.remove(doomed.item, doomed.id, doomed.name);
      }}
    >
      <p>{LIBRARY_COPY.confirmFrees(doomed.bytes)}</p>
      <p>{LIBRARY_COPY.confirmWhat[doomed.item]}</p>
      <ExportFirst library={library} doomed={doomed} />
      {deletionEffects(doomed.item, doomed.id, library.runs.value).map((effect) => (
        <p key={effect.run} data-testid="delete-effect">
          {effectSentence(effect)}
        </p>
      ))}
    </Confirm>
  );
}

/** What went wrong and what was done, on pages about stored items. */
export function LibraryMessages({ library }: { readonly library: Library }) {
  const error = library.error.value;
  const unreadable = library.unreadable.value;
  const news = library.news.value;
  const top = useRef<HTMLDivElement>(null);
  // What was pressed may stand far below.
  useEffect(() => {
    if (error !== null) top.current?.scrollIntoView?.({ block: 'nearest' });
  }, [error]);
  return (
    <>
      {unreadable !== null && <Notice error={unreadable} retry={() => void library.refresh()} />}
      {error !== null && (
        <div ref={top}>
          <Notice error={error} retry={null} dismiss={library.dismiss} />
        </div>
      )}
      {news !== null && (
        <p class="banner banner-restored" data-testid="library-news">
          <Icon name="info" /> {newsSentence(news)}
        </p>
      )}
    </>
  );
}
