// Draws the Data page: importing a dataset, the list of datasets, and the rows of one, and behind a link the building of
// a cold-start set. Nothing is kept without consent.

import { useComputed, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { formatBytes } from '../../lib/format';
import type { Datasets, ImportWork } from '../../state/datasets';
import type { Library } from '../../state/library';
import type { EngineClient } from '../../worker/client';
import type { DatasetSummary } from '../../worker/protocol/library';
import { filesOfTransfer } from '../file_intake';
import { FilePicker, useFileDrop } from '../file_picker';
import { Icon } from '../icons';
import { type Draw, LazyPage, Opening, once } from '../lazy_page';
import { DeleteConfirm, type Doomed, LibraryMessages } from '../library/stored_items';
import { useLook } from '../look/look_context';
import { Notice } from '../notice';
import { ProblemItems } from '../problem_list';
import { counted, DATA_COPY, originWords } from './data_copy';
import { ImportPreview } from './import_preview';
import { RowBrowser } from './row_browser';
import '../styles/library.css';
import '../styles/data.css';

const COLD_START_ADDRESS = '#/data/cold-start';

/** Elements that keep a paste for themselves. */
const FIELDS = 'input, textarea, select, dialog';

/** Takes a table that is pasted outside of a field. */
function usePaste(datasets: Datasets): void {
  useEffect(() => {
    const onPaste = (event: ClipboardEvent) => {
      if (event.target instanceof Element && event.target.closest(FIELDS) !== null) return;
      const files = filesOfTransfer(event.clipboardData);
      if (files === null) return;
      event.preventDefault();
      void datasets.take(files);
    };
    document.addEventListener('paste', onPaste);
    return () => document.removeEventListener('paste', onPaste);
  }, [datasets]);
}

function Work({ datasets, work }: { readonly datasets: Datasets; readonly work: ImportWork }) {
  const progress = datasets.progress.value;
  const words = progress === null ? DATA_COPY.work[work] : DATA_COPY.progress(progress);
  return (
    <>
      <span class="hint" data-testid="data-work">
        {words}
      </span>
      {progress === null ? (
        <progress aria-label={words} />
      ) : (
        <progress aria-label={words} value={progress.done} max={Math.max(1, progress.total)} />
      )}
      <button type="button" data-testid="data-cancel" onClick={datasets.cancel}>
        {DATA_COPY.cancel}
      </button>
    </>
  );
}

function ImportPanel({ datasets }: { readonly datasets: Datasets }) {
  const error = datasets.error.value;
  const work = datasets.work.value;
  const kept = datasets.kept.value;
  return (
    <section class="panel" aria-labelledby="import-title" aria-busy={work !== null}>
      <header class="panel-head">
        <h3 id="import-title">{DATA_COPY.import}</h3>
      </header>
      <div class="import-row">
        <FilePicker label={DATA_COPY.choose} testId="data-import" take={datasets.take} />
        <FilePicker label={DATA_COPY.chooseFolder} folder testId="data-import-folder" take={datasets.take} />
        {work === null ? (
          <span class="hint">{DATA_COPY.drop}</span>
        ) : (
          <Work datasets={datasets} work={work} />
        )}
      </div>
      <details class="format">
        <summary class="hint">{DATA_COPY.format}</summary>
        <p>{DATA_COPY.formatWords}</p>
        <pre>{DATA_COPY.formatExample}</pre>
      </details>
      {error !== null && <Notice error={error} compact retry={null} />}
      {kept !== null && (
        <p class="banner banner-restored" data-testid="data-kept">
          <Icon name="info" /> {DATA_COPY.kept(kept.dataset.name, kept.dataset.rows)}
        </p>
      )}
      {kept !== null && kept.problems.length > 0 && (
        <section class="problems" data-testid="data-kept-without">
          <p>{DATA_COPY.keptWithout(kept.problems.length)}</p>
          <ProblemItems problems={kept.problems.slice(0, 100)} />
        </section>
      )}
      <ImportPreview datasets={datasets} />
    </section>
  );
}

function SetItem({
  dataset,
  onBrowse,
  onDelete,
}: {
  readonly dataset: DatasetSummary;
  readonly onBrowse: () => void;
  readonly onDelete: () => void;
}) {
  const { id, name, rows, withResponse, bytes, createdAt, origin } = dataset;
  return (
    <li class="item" data-testid="dataset-row" data-id={id} data-rows={rows}>
      <div>
        <h4>{name}</h4>
        <p class="hint">
          {counted(rows, 'row')}, {DATA_COPY.withResponse(withResponse)}, {formatBytes(bytes)},{' '}
          {new Date(createdAt).toLocaleString()}
        </p>
        {origin !== undefined && <p class="hint">{originWords(origin)}</p>}
      </div>
      <div class="item-actions">
        <button type="button" class="quiet" aria-label={`${DATA_COPY.browse}: ${name}`} onClick={onBrowse}>
          <Icon name="eye" /> {DATA_COPY.browse}
        </button>
        <button type="button" class="quiet" aria-label={`${DATA_COPY.delete} ${name}`} onClick={onDelete}>
          <Icon name="delete" /> {DATA_COPY.delete}
        </button>
      </div>
    </li>
  );
}

function SetsPanel({ datasets, library }: { readonly datasets: Datasets; readonly library: Library }) {
  const look = useLook();
  const doomed = useSignal<Doomed | null>(null);
  const sets = useComputed(() => [...library.datasets.value].sort((a, b) => b.createdAt - a.createdAt));
  const known = library.known.value.has('datasets') || library.unreadable.value !== null;
  return (
    <section class="panel" aria-labelledby="sets-title">
      <header class="panel-head">
        <h3 id="sets-title">{DATA_COPY.sets}</h3>
      </header>
      {sets.value.length === 0 && (known ? <p class="empty">{DATA_COPY.setsEmpty}</p> : <Opening />)}
      <ul class="items">
        {sets.value.map((dataset) => (
          <SetItem
            key={dataset.id}
            dataset={dataset}
            onBrowse={() => void datasets.browse(dataset, look.settings.value.mode)}
            onDelete={() => {
              const { id, name, bytes } = dataset;
              doomed.value = { item: 'dataset', id, name, bytes };
            }}
          />
        ))}
      </ul>
      {doomed.value !== null && (
        <DeleteConfirm
          library={library}
          doomed={doomed.value}
          onDone={() => {
            doomed.value = null;
          }}
        />
      )}
    </section>
  );
}

/** How to get the page that builds a cold-start set. */
export function coldStartPage(client: EngineClient, library: Library): () => Promise<Draw> {
  return once(async () => {
    const [{ ColdStartPage }, { createColdStart }] = await Promise.all([
      import('../cold_start/cold_start_page'),
      import('../../state/cold_start'),
    ]);
    const coldStart = createColdStart(client);
    return () => <ColdStartPage coldStart={coldStart} library={library} />;
  });
}

/** Whether the address names the building of a cold-start set. */
function useColdStartAddress(): boolean {
  const named = () => location.hash.startsWith(COLD_START_ADDRESS);
  const shown = useSignal(named());
  useEffect(() => {
    const follow = () => {
      shown.value = named();
    };
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, [shown]);
  return shown.value;
}

function ColdStartLink() {
  return (
    <section class="panel" aria-labelledby="cold-start-title">
      <header class="panel-head">
        <h3 id="cold-start-title">{DATA_COPY.coldStart}</h3>
      </header>
      <p>{DATA_COPY.coldStartAbout}</p>
      <p>
        <a class="quiet-link" href={COLD_START_ADDRESS} data-testid="cold-start-link">
          {DATA_COPY.coldStartLink}
        </a>
      </p>
    </section>
  );
}

interface DataPageProps {
  readonly datasets: Datasets;
  readonly library: Library;
  readonly coldStart: () => Promise<Draw>;
}

/** The page, or what its address names behind it. */
export function DataPage({ coldStart, ...props }: DataPageProps) {
  return useColdStartAddress() ? <LazyPage load={coldStart} /> : <Sets {...props} />;
}

function Sets({ datasets, library }: Pick<DataPageProps, 'datasets' | 'library'>) {
  useFileDrop(datasets.take);
  usePaste(datasets);
  useEffect(() => {
    library.dismiss();
    void library.refresh();
  }, [library]);
  // A dataset that was deleted, here or in another tab, has no rows to show.
  const gone = useComputed(() => {
    const open = datasets.open.value;
    return open !== null && !library.datasets.value.some(({ id }) => id === open.dataset.id);
  });
  return (
    <>
      <header class="page-head">
        <h2>{DATA_COPY.title}</h2>
        <p class="hint">{DATA_COPY.about}</p>
      </header>
      <LibraryMessages library={library} />
      <ImportPanel datasets={datasets} />
      <SetsPanel datasets={datasets} library={library} />
      <ColdStartLink />
      {!gone.value && <RowBrowser datasets={datasets} />}
    </>
  );
}
