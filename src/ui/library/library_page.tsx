// Draws the Library page: adapters, runs and how much room everything takes, with what can be done about each.
// Nothing is deleted before a yes that said what it frees.

import { useComputed, useSignal } from '@preact/signals';
import { useCallback, useEffect } from 'preact/hooks';
import { formatBytes } from '../../lib/format';
import { type BackupState, isBackup } from '../../state/backup';
import type { HubAdapterState } from '../../state/hub_adapter';
import type { Library } from '../../state/library';
import type { NamedFile } from '../../worker/protocol/library';
import type { StoredModel } from '../../worker/protocol/models';
import type { RunSummary } from '../../worker/protocol/training';
import { FilePicker, useFileDrop } from '../file_picker';
import { Icon } from '../icons';
import { Opening } from '../lazy_page';
import { useLook } from '../look/look_context';
import { AdapterItem } from './adapter_item';
import { BackupPanel } from './backup_panel';
import { HubAdapter } from './hub_adapter';
import { LIBRARY_COPY } from './library_copy';
import { SavedLooks } from './saved_looks';
import { StoragePanel } from './storage_panel';
import { DeleteConfirm, type Doomed, LibraryMessages } from './stored_items';
import '../styles/library.css';

function ImportAdapter({ library, backup }: { readonly library: Library; readonly backup: BackupState }) {
  const take = useCallback(
    async (files: Promise<readonly NamedFile[]>) => {
      // A refusal of the files is told by whoever takes them.
      const whole = await files.then(isBackup).catch(() => false);
      await (whole ? backup.restore(files) : library.importAdapter(files));
    },
    [library, backup],
  );
  useFileDrop(take);
  return (
    <div class="import-row">
      <FilePicker
        label={LIBRARY_COPY.import}
        accept=".zip,.json,.safetensors"
        testId="adapter-import"
        take={take}
      />
      <FilePicker
        label={LIBRARY_COPY.importFolder}
        folder
        testId="adapter-import-folder"
        take={library.importAdapter}
      />
      <span class="hint">{library.busy.value ? LIBRARY_COPY.importing : LIBRARY_COPY.importHint}</span>
    </div>
  );
}

const LIVE: readonly RunSummary['state'][] = ['preparing', 'running', 'pausing'];

function RunItem({ run, onDelete }: { readonly run: RunSummary; readonly onDelete: () => void }) {
  const live = LIVE.includes(run.state);
  const method = run.plan.method === 'sft' ? 'SFT' : 'GRPO';
  return (
    <li class="item run-item" data-testid="library-run" data-id={run.id}>
      <div>
        <h4>{run.plan.name}</h4>
        <p class="hint">
          {method}, {LIBRARY_COPY.runStates[run.state]}, {LIBRARY_COPY.runSteps(run.step, run.plan.maxSteps)},{' '}
          {formatBytes(run.bytes)}
        </p>
      </div>
      <div class="item-actions">
        <a class="quiet-link" href="#/train">
          {LIBRARY_COPY.runOpen}
        </a>
        <button
          type="button"
          class="quiet"
          aria-label={`${LIBRARY_COPY.delete} ${run.plan.name}`}
          disabled={live}
          title={live ? LIBRARY_COPY.runLive : undefined}
          onClick={onDelete}
        >
          <Icon name="delete" /> {LIBRARY_COPY.delete}
        </button>
      </div>
    </li>
  );
}

interface SectionProps {
  readonly library: Library;
  /** Asks before an item is deleted. */
  readonly onDelete: (doomed: Doomed) => void;
}

function Adapters({
  library,
  hubAdapter,
  backup,
  onDelete,
}: SectionProps & Omit<LibraryPageProps, 'library'>) {
  // Those that came with the page keep their order: the first is the one it loads.
  const newest = useComputed(() => {
    const own = library.adapters.value.filter(({ bundled }) => !bundled);
    const bundled = library.adapters.value.filter((adapter) => adapter.bundled);
    return [...own.sort((a, b) => b.createdAt - a.createdAt), ...bundled];
  });
  return (
    <section class="panel" aria-labelledby="adapters-title">
      <header class="panel-head">
        <h3 id="adapters-title">{LIBRARY_COPY.adapters}</h3>
        <ImportAdapter library={library} backup={backup} />
        <HubAdapter hubAdapter={hubAdapter} />
      </header>
      {newest.value.length === 0 &&
        (library.known.value.has('adapters') || library.unreadable.value !== null ? (
          <p class="empty">{LIBRARY_COPY.adaptersEmpty}</p>
        ) : (
          <Opening />
        ))}
      <ul class="items">
        {newest.value.map((adapter) => (
          <AdapterItem
            key={adapter.id}
            adapter={adapter}
            library={library}
            onDelete={() => {
              const { id, name, bytes } = adapter;
              onDelete({ item: 'adapter', id, name, bytes });
            }}
          />
        ))}
      </ul>
    </section>
  );
}

function Runs({ library, onDelete }: SectionProps) {
  const runs = useComputed(() => [...library.runs.value].sort((a, b) => b.updatedAt - a.updatedAt));
  return (
    <section class="panel" aria-labelledby="runs-title">
      <header class="panel-head">
        <h3 id="runs-title">{LIBRARY_COPY.runs}</h3>
      </header>
      {runs.value.length === 0 && <p class="empty">{LIBRARY_COPY.runsEmpty}</p>}
      <ul class="items">
        {runs.value.map((run) => (
          <RunItem
            key={run.id}
            run={run}
            onDelete={() => onDelete({ item: 'run', id: run.id, name: run.plan.name, bytes: run.bytes })}
          />
        ))}
      </ul>
    </section>
  );
}

function ModelItem({ model, onDelete }: { readonly model: StoredModel; readonly onDelete: () => void }) {
  const look = useLook();
  const { id, bytes, whole, revision, commit, lastUse } = model;
  const used = whole && look.session.value.model?.entry.id === id;
  return (
    <li class="item model-item" data-testid="library-model" data-id={id}>
      <div>
        <h4>{id}</h4>
        <p class="hint">
          {formatBytes(bytes)},{' '}
          {whole ? LIBRARY_COPY.modelRevision(revision ?? '', commit) : LIBRARY_COPY.modelPart}
          {whole && `, ${lastUse === null ? LIBRARY_COPY.modelUnused : LIBRARY_COPY.modelUsed(lastUse)}`}
        </p>
        {used && <p class="hint">{LIBRARY_COPY.modelInUse}</p>}
      </div>
      <div class="item-actions">
        {!whole && (
          <a class="quiet-link" href="#/models">
            {LIBRARY_COPY.modelResume}
          </a>
        )}
        <button
          type="button"
          class="quiet"
          aria-label={`${LIBRARY_COPY.delete} ${id}`}
          disabled={used}
          onClick={onDelete}
        >
          <Icon name="delete" /> {LIBRARY_COPY.delete}
        </button>
      </div>
    </li>
  );
}

function Models({ library, onDelete }: SectionProps) {
  const models = library.models.value;
  return (
    <section class="panel" aria-labelledby="models-title">
      <header class="panel-head">
        <h3 id="models-title">{LIBRARY_COPY.models}</h3>
        <a class="quiet-link" href="#/models">
          {LIBRARY_COPY.modelsMore}
        </a>
      </header>
      {models.length === 0 && <p class="empty">{LIBRARY_COPY.modelsEmpty}</p>}
      <ul class="items">
        {models.map((model) => (
          <ModelItem
            key={model.key}
            model={model}
            onDelete={() => onDelete({ item: 'model', id: model.key, name: model.id, bytes: model.bytes })}
          />
        ))}
      </ul>
    </section>
  );
}

interface LibraryPageProps {
  readonly library: Library;
  readonly hubAdapter: HubAdapterState;
  readonly backup: BackupState;
}

/** The page. */
export function LibraryPage({ library, hubAdapter, backup }: LibraryPageProps) {
  const doomed = useSignal<Doomed | null>(null);
  const askFirst = (item: Doomed) => {
    doomed.value = item;
  };
  useEffect(() => {
    library.dismiss();
    void library.refresh();
    void library.refreshUsage();
  }, [library]);
  return (
    <>
      <header class="page-head">
        <h2>{LIBRARY_COPY.title}</h2>
        <p class="hint">{LIBRARY_COPY.about}</p>
      </header>
      <LibraryMessages library={library} />
      <Models library={library} onDelete={askFirst} />
      <Adapters {...{ library, hubAdapter, backup }} onDelete={askFirst} />
      <Runs library={library} onDelete={askFirst} />
      <SavedLooks library={library} onDelete={askFirst} />
      <BackupPanel backup={backup} />
      <StoragePanel library={library} onDelete={askFirst} />
      {doomed.value !== null && (
        <DeleteConfirm
          library={library}
          doomed={doomed.value}
          onDone={() => {
            doomed.value = null;
          }}
        />
      )}
    </>
  );
}
