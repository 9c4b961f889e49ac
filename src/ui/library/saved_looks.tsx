// Draws the saved looks of the Library: answers with their pictures that play without a model, each opened, renamed, exported
// or deleted.

import { useComputed } from '@preact/signals';
import { formatBytes } from '../../lib/format';
import type { Library } from '../../state/library';
import type { TraceSummary } from '../../worker/protocol/library';
import { COPY } from '../copy';
import { download, fileName } from '../download';
import { Icon, type IconName } from '../icons';
import { useLook } from '../look/look_context';
import { LIBRARY_COPY } from './library_copy';
import { RenameForm, useRenaming } from './rename_form';
import type { Doomed } from './stored_items';

interface ItemProps {
  readonly trace: TraceSummary;
  readonly library: Library;
  readonly onDelete: () => void;
}

interface ActProps {
  readonly icon: IconName;
  readonly words: string;
  /** Of the look. */
  readonly name: string;
  readonly library: Library;
  readonly press: () => void;
}

function Act({ icon, words, name, library, press }: ActProps) {
  return (
    <button
      type="button"
      class="quiet"
      aria-label={`${words} ${name}`}
      title={icon === 'play' ? LIBRARY_COPY.traceOpenWhy : undefined}
      disabled={library.busy.value}
      onClick={press}
    >
      <Icon name={icon} /> {words}
    </button>
  );
}

function Actions({
  trace: { id, name },
  library,
  onDelete,
  rename,
}: ItemProps & { readonly rename: ReturnType<typeof useRenaming> }) {
  const look = useLook();
  const open = async () => {
    const file = await library.openTrace(id);
    if (file === null) return;
    void look.openTrace(file, name, 'playing');
    location.assign('#/look');
  };
  const save = async () => {
    const file = await library.exportTrace(id);
    if (file !== null) download(file, fileName(name, 'trace.json', 'look'));
  };
  return (
    <div class="item-actions">
      <Act
        icon="play"
        name={name}
        library={library}
        words={LIBRARY_COPY.traceOpen}
        press={() => void open()}
      />
      {!rename.editing.value && (
        <button
          ref={rename.button}
          type="button"
          class="quiet"
          aria-label={`${LIBRARY_COPY.rename} ${name}`}
          onClick={() => {
            rename.editing.value = true;
          }}
        >
          <Icon name="edit" /> {LIBRARY_COPY.rename}
        </button>
      )}
      <Act
        icon="download"
        name={name}
        library={library}
        words={LIBRARY_COPY.export}
        press={() => void save()}
      />
      <Act icon="delete" name={name} library={library} words={LIBRARY_COPY.delete} press={onDelete} />
    </div>
  );
}

function TraceItem(props: ItemProps) {
  const { trace, library } = props;
  const { id, name, model, adapter, origin, bytes, usedAt } = trace;
  const rename = useRenaming();
  return (
    <li class="item" data-testid="library-trace" data-id={id}>
      <div>
        {rename.editing.value ? (
          <RenameForm
            {...{ name, notes: null, library }}
            save={(words) => library.renameTrace(id, words)}
            onDone={rename.done}
          />
        ) : (
          <h4>{name}</h4>
        )}
        <p class="hint">
          {adapter === null ? model : `${model} · ${adapter}`}, {LIBRARY_COPY.traceOrigins[origin]},{' '}
          {formatBytes(bytes)}, {LIBRARY_COPY.traceUsed(usedAt)}
        </p>
      </div>
      <Actions {...props} rename={rename} />
    </li>
  );
}

/** The section; `onDelete` asks before a look is deleted. */
export function SavedLooks({
  library,
  onDelete,
}: {
  readonly library: Library;
  readonly onDelete: (doomed: Doomed) => void;
}) {
  const newest = useComputed(() => [...library.traces.value].sort((a, b) => b.createdAt - a.createdAt));
  const known = library.known.value.has('traces') || library.unreadable.value !== null;
  return (
    <section class="panel" aria-labelledby="traces-title">
      <header class="panel-head">
        <h3 id="traces-title">{LIBRARY_COPY.traces}</h3>
      </header>
      {newest.value.length === 0 && (
        <p class="empty">{known ? LIBRARY_COPY.tracesEmpty : COPY.app.opening}</p>
      )}
      <ul class="items">
        {newest.value.map((trace) => (
          <TraceItem
            key={trace.id}
            trace={trace}
            library={library}
            onDelete={() => onDelete({ item: 'trace', id: trace.id, name: trace.name, bytes: trace.bytes })}
          />
        ))}
      </ul>
    </section>
  );
}
