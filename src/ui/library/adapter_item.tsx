// Shows one adapter of the list: what it is and where it came from, renaming in place, trying, exporting, deleting.

import { formatBytes } from '../../lib/format';
import type { Library } from '../../state/library';
import type { AdapterSummary } from '../../worker/protocol/library';
import { download, fileName } from '../download';
import { Icon } from '../icons';
import { useLook } from '../look/look_context';
import { LIBRARY_COPY, metricText } from './library_copy';
import { RenameForm, useRenaming } from './rename_form';

/** Metrics shown before the rest is folded away. */
const METRICS = 6;

function Metrics({ metrics }: { readonly metrics: AdapterSummary['metrics'] }) {
  const all = Object.entries(metrics);
  if (all.length === 0) return null;
  const list = (entries: typeof all) => (
    <dl class="facts">
      {entries.map(([name, value]) => (
        <div key={name}>
          <dt class="mono">{name}</dt>
          <dd>{metricText(value)}</dd>
        </div>
      ))}
    </dl>
  );
  return (
    <div class="item-metrics">
      <h5>{LIBRARY_COPY.metrics}</h5>
      {list(all.slice(0, METRICS))}
      {all.length > METRICS && (
        <details>
          <summary class="hint">{LIBRARY_COPY.metricsMore(all.length - METRICS)}</summary>
          {list(all.slice(METRICS))}
        </details>
      )}
    </div>
  );
}

/** Each kind of module once: an adapter trained here names those of every layer in full, hundreds in a large model. */
function targetsText(targets: readonly string[]): string {
  const kind = (name: string) => (/^[\w.]+$/.test(name) ? name.slice(name.lastIndexOf('.') + 1) : name);
  return [...new Set(targets.map(kind))].join(', ');
}

function Facts({ adapter }: { readonly adapter: AdapterSummary }) {
  const look = useLook();
  const label = look.models.value.find(({ id }) => id === adapter.modelId)?.label;
  const { run } = adapter;
  const rows: readonly (readonly [string, string])[] = [
    [LIBRARY_COPY.base, label ?? LIBRARY_COPY.unknownBase(adapter.modelId)],
    [
      LIBRARY_COPY.origin,
      run !== null
        ? LIBRARY_COPY.originRun(run.method, run.step)
        : adapter.bundled
          ? LIBRARY_COPY.bundled
          : LIBRARY_COPY.originElsewhere,
    ],
    ...(adapter.precision === null
      ? []
      : [[LIBRARY_COPY.trainedOver, LIBRARY_COPY.precision(adapter.precision)] as const]),
    [LIBRARY_COPY.lora, LIBRARY_COPY.loraValue(adapter.r, adapter.loraAlpha)],
    [LIBRARY_COPY.parameters, adapter.parameters.toLocaleString('en')],
    [LIBRARY_COPY.size, formatBytes(adapter.bytes)],
    [LIBRARY_COPY.saved, new Date(adapter.createdAt).toLocaleString()],
    [LIBRARY_COPY.targets, targetsText(adapter.targetModules)],
  ];
  return (
    <dl class="facts">
      {rows.map(([term, value]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function TryIt({ adapter }: { readonly adapter: AdapterSummary }) {
  const look = useLook();
  if (!look.models.value.some(({ id }) => id === adapter.modelId)) return null;
  return (
    <button
      type="button"
      class="quiet"
      title={LIBRARY_COPY.tryWhy}
      aria-label={`${LIBRARY_COPY.tryIt}: ${adapter.name}`}
      onClick={() => {
        if (look.wantedModel.value !== adapter.modelId) void look.loadModel(adapter.modelId);
        look.chooseAdapter(adapter);
        location.assign('#/look');
      }}
    >
      <Icon name="eye" /> {LIBRARY_COPY.tryIt}
    </button>
  );
}

function Title({ adapter: { name, bundled, notes, caution } }: { readonly adapter: AdapterSummary }) {
  return (
    <div>
      <h4>
        {name} {bundled && <span class="badge plain">{LIBRARY_COPY.bundled}</span>}
      </h4>
      {notes !== '' && <p class="notes">{notes}</p>}
      {caution !== null && (
        <p class="hint" data-testid="adapter-caution">
          <Icon name="warning" /> {caution}
        </p>
      )}
    </div>
  );
}

function Exporting({ adapter, library }: { readonly adapter: AdapterSummary; readonly library: Library }) {
  const save = async () => {
    const zip = await library.exportAdapter(adapter.id);
    if (zip !== null) download(zip, fileName(adapter.name, 'zip', 'adapter'));
  };
  return (
    <button
      type="button"
      class="quiet"
      data-testid="adapter-export"
      aria-label={`${LIBRARY_COPY.export} ${adapter.name}`}
      title={LIBRARY_COPY.exportWhy}
      disabled={library.busy.value}
      onClick={() => void save()}
    >
      <Icon name="download" /> {LIBRARY_COPY.export}
    </button>
  );
}

/** One adapter. */
export function AdapterItem({
  adapter,
  library,
  onDelete,
}: {
  readonly adapter: AdapterSummary;
  readonly library: Library;
  readonly onDelete: () => void;
}) {
  const { editing, button, done } = useRenaming();
  const { id, name } = adapter;
  return (
    <li class="item" data-testid="library-adapter" data-id={id}>
      {editing.value ? (
        <RenameForm
          {...{ name, notes: adapter.notes, library }}
          save={(words, notes) => library.renameAdapter(id, { name: words, notes })}
          onDone={done}
        />
      ) : (
        <Title adapter={adapter} />
      )}
      <div class="item-actions">
        <TryIt adapter={adapter} />
        {!adapter.bundled && !editing.value && (
          <button
            ref={button}
            type="button"
            class="quiet"
            data-testid="adapter-rename"
            aria-label={`${LIBRARY_COPY.rename} ${name}`}
            onClick={() => {
              editing.value = true;
            }}
          >
            <Icon name="edit" /> {LIBRARY_COPY.rename}
          </button>
        )}
        <Exporting adapter={adapter} library={library} />
        {!adapter.bundled && (
          <button
            type="button"
            class="quiet"
            data-testid="adapter-delete"
            aria-label={`${LIBRARY_COPY.delete} ${name}`}
            disabled={library.busy.value}
            onClick={onDelete}
          >
            <Icon name="delete" /> {LIBRARY_COPY.delete}
          </button>
        )}
      </div>
      <Facts adapter={adapter} />
      <Metrics metrics={adapter.metrics} />
    </li>
  );
}
