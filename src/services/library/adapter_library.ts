// Serves the commands of adapters: save from a run, list, rename, delete, export and import as PEFT pairs; and hands
// their weights to answers and runs. An adapter is put before a model only when it was made for the very weights of
// that model, or, where it does not say, when every tensor fits by name and shape.

import { ArgumentError, LookBackError, ModelError, StorageError } from '../../lib/errors';
import { checkedNotes } from '../../lib/notes';
import type { AdapterStart } from '../../lookback/training';
import { BASE_KEY, readAdapterPair } from '../../model/adapter_pair';
import { PRECISION_KEY, precisionCaution } from '../../model/base_precision';
import { loraWeightsOf } from '../../model/lora';
import { writeAdapterConfig, writeAdapterWeights } from '../../model/peft';
import { packAdapter, readAdapterFiles } from '../../storage/adapter_archive';
import type { AdapterStore } from '../../storage/adapter_store';
import type { AdapterRecord } from '../../storage/records';
import type {
  AdapterCommands,
  AdapterSummary,
  NamedFile,
  SavedCheckpoint,
} from '../../worker/protocol/library';
import { countParameters } from '../answers/checkpoint_base';
import type { Loaded } from '../answers/engine';
import type { FetchedAdapter } from '../answers/hub_adapters';
import type { LiveRuns } from '../training/live_runs';
import type { TrainingRuns } from '../training/training_run';
import { adapterCard } from './adapter_card';
import type { AdapterFiles, BundledAdapters } from './bundled_adapters';

/** What the library of adapters needs. */
export interface AdapterLibraryParts {
  readonly adapters: Pick<AdapterStore, 'list' | 'get' | 'put' | 'rename' | 'delete'>;
  readonly bundled: Pick<BundledAdapters, 'list' | 'open'>;
  readonly runs: Pick<TrainingRuns, 'read' | 'readCheckpoint' | 'update'>;
  readonly engine: { readonly loaded: Loaded | undefined };
  fingerprintOf(loaded: Loaded): Promise<string>;
  /** Asks the browser not to clear what is stored. */
  persist(): Promise<unknown>;
  changed(store: 'adapters' | 'runs'): void;
  readonly liveRuns: Pick<LiveRuns, 'checkUnused'>;
  /** Brings an adapter of the hub here; see `fetchAdapter` of services/answers/hub_adapters.ts. */
  fetchAdapter(id: string, revision: string, signal: AbortSignal): Promise<FetchedAdapter>;
  /** Commit of a model of the hub whose copy here has these weights; null where there is none. */
  commitOf(modelId: string, fingerprint: string): Promise<string | null>;
  createId(): string;
  /** Milliseconds since 1970. */
  date(): number;
}

const GONE = 'This adapter is not stored here any more.';
const MAX_NAME = 200;

/** Adapters of this origin and of the page. Its methods reject with LookBackErrors. */
export class AdapterLibrary implements AdapterCommands {
  readonly #parts: AdapterLibraryParts;
  #fetching: AbortController | null = null;

  constructor(parts: AdapterLibraryParts) {
    this.#parts = parts;
  }

  /** See AdapterCommands. Bundled ones first. */
  async listAdapters(): Promise<readonly AdapterSummary[]> {
    const [bundled, stored] = await Promise.all([this.#parts.bundled.list(), this.#parts.adapters.list()]);
    return [...bundled, ...stored.map(summaryOf)].map((adapter) => this.#withCaution(adapter));
  }

  /** What there is to say of an adapter over the model that is loaded, where it is for that one. */
  #withCaution(adapter: AdapterSummary): AdapterSummary {
    const { loaded } = this.#parts.engine;
    if (loaded === undefined || loaded.entry.id !== adapter.modelId) return adapter;
    return { ...adapter, caution: precisionCaution(adapter.precision, loaded.model.model.precision) };
  }

  /** See AdapterCommands. */
  async saveAdapter(runId: string, name: string, which: SavedCheckpoint = 'last'): Promise<AdapterSummary> {
    const { runs, adapters, createId, date } = this.#parts;
    const words = checkedName(name);
    const [{ run, metrics }, checkpoint] = await Promise.all([runs.read(runId), runs.readCheckpoint(runId)]);
    if (checkpoint === null) {
      const message = `The run "${run.plan.name}" has no checkpoint yet: let it make a step, or pause it.`;
      throw new LookBackError('adapter/no-checkpoint', message, { runId });
    }
    const { extra: base } = checkpoint;
    const kept = which === 'best' ? checkpoint.best : checkpoint;
    if (kept === null) {
      const message = `The run "${run.plan.name}" has no best checkpoint: it was not evaluated yet.`;
      throw new LookBackError('adapter/no-checkpoint', message, { runId });
    }
    const { step } = kept;
    const weights = loraWeightsOf(kept.adapter, base.config, base.modules);
    const last = metrics.filter((row) => row.step <= step).at(-1);
    const draft = {
      ...{ id: createId(), name: words, notes: '', createdAt: date(), config: base.config },
      ...{ modelId: base.modelId, fingerprint: base.fingerprint, precision: base.precision },
      parameters: countParameters(base),
      targetModules: base.modules.map(({ module }) => module),
      run: { id: runId, method: run.plan.method, step },
      metrics: last?.values ?? {},
    };
    const record = await this.#keep(draft, writeAdapterWeights(weights, base.config), adapters);
    await runs.update(runId, { adapterId: record.id });
    this.#parts.changed('runs');
    return this.#withCaution(summaryOf(record));
  }

  /** See AdapterCommands. */
  async renameAdapter(id: string, change: { readonly name: string; readonly notes: string }): Promise<void> {
    await this.#refuseBundled(id, 'renamed');
    const notes = checkedNotes(change.notes.trim());
    await this.#parts.adapters.rename(id, { name: checkedName(change.name), notes });
    this.#parts.changed('adapters');
  }

  /** See AdapterCommands. */
  async deleteAdapter(id: string): Promise<number> {
    await this.#refuseBundled(id, 'deleted');
    await this.#parts.liveRuns.checkUnused({ kind: 'adapter', id });
    const freed = await this.#parts.adapters.delete(id);
    this.#parts.changed('adapters');
    return freed;
  }

  /** See AdapterCommands. */
  async exportAdapter(id: string): Promise<Blob> {
    const { config, weights } = await this.#files(id);
    const adapter = (await this.listAdapters()).find((one) => one.id === id);
    if (adapter === undefined) throw new StorageError('storage/missing', GONE, { id });
    const text = new TextDecoder().decode(config);
    const named = adapter.bundled ? withBase(text, adapter) : config;
    const commit = await this.#parts.commitOf(adapter.modelId, adapter.fingerprint);
    const card = adapterCard(adapter, text, commit);
    return new Blob([packAdapter({ config: named, weights }, card)], { type: 'application/zip' });
  }

  /** See AdapterCommands. Needs the model loaded that it is for: its tensors are checked against it. */
  importAdapter(given: readonly NamedFile[], name: string): Promise<AdapterSummary> {
    return this.#import(given, name, 'Imported.');
  }

  /** See AdapterCommands. Needs the model loaded that it is for, too. */
  async importHubAdapter(id: string, revision: string): Promise<AdapterSummary> {
    this.#loaded();
    if (this.#fetching !== null)
      throw new LookBackError(
        'model/download-busy',
        'Another adapter is being fetched: cancel it, or wait.',
        { id },
      );
    const controller = new AbortController();
    this.#fetching = controller;
    try {
      const { files, commit } = await this.#parts.fetchAdapter(id, revision, controller.signal);
      return await this.#import(files, id, `From ${id} of the hub, ${commit}.`);
    } catch (error) {
      if (!controller.signal.aborted) throw error;
      throw new LookBackError('adapter/cancelled', 'The adapter was not fetched: it was cancelled.', { id });
    } finally {
      this.#fetching = null;
    }
  }

  /** See AdapterCommands. */
  async cancelHubAdapter(): Promise<void> {
    this.#fetching?.abort();
  }

  #loaded(): Loaded {
    const { loaded } = this.#parts.engine;
    if (loaded !== undefined) return loaded;
    const message = 'An adapter is checked against its model: load that model first.';
    throw new LookBackError('adapter/base', message);
  }

  async #import(given: readonly NamedFile[], name: string, origin: string): Promise<AdapterSummary> {
    const words = checkedName(name);
    const loaded = this.#loaded();
    const files = await readAdapterFiles(given, words);
    const read = await readAdapterPair(files, loaded.model.model.config).catch((error: unknown): never => {
      throw misfit(words, error, loaded);
    });
    const fingerprint = await this.#parts.fingerprintOf(loaded);
    checkBase(words, read.base, fingerprint, loaded);
    const notes =
      read.base === null
        ? `${origin} It does not say for which weights it was made; all its tensors fit ${loaded.entry.label}.`
        : origin;
    const { createId, date, adapters } = this.#parts;
    const { weights, config, precision } = read;
    const draft = {
      ...{ id: createId(), name: words, notes, createdAt: date(), config, fingerprint, precision },
      modelId: loaded.entry.id,
      targetModules: weights.map(({ module }) => module),
      parameters: weights.reduce((sum, { a, b }) => sum + a.length + b.length, 0),
      ...{ run: null, metrics: {} },
    };
    const record = await this.#keep(draft, writeAdapterWeights(weights, config), adapters);
    return this.#withCaution(summaryOf(record));
  }

  /** Whether an adapter is there, bundled or stored. */
  async has(id: string): Promise<boolean> {
    return (await this.listAdapters()).some((adapter) => adapter.id === id);
  }

  /**
   * An adapter's weights for the loaded model.
   * @throws LookBackError `adapter/base` with the reason; StorageError `storage/missing`; ModelError `model/adapter`
   */
  async startOf(id: string, loaded: Loaded): Promise<AdapterStart> {
    const known = (await this.listAdapters()).find((adapter) => adapter.id === id);
    if (known !== undefined) {
      checkBase(
        known.name,
        known.fingerprint,
        await this.#parts.fingerprintOf(loaded),
        loaded,
        known.modelId,
      );
    }
    const { config, weights } = await readAdapterPair(await this.#files(id), loaded.model.model.config);
    return { config, weights };
  }

  async #keep(
    draft: Parameters<AdapterStore['put']>[0],
    weights: Uint8Array<ArrayBuffer>,
    adapters: AdapterLibraryParts['adapters'],
  ): Promise<AdapterRecord> {
    const first = (await adapters.list()).length === 0;
    const record = await adapters.put(draft, weights);
    // Refused or not, the adapter is kept.
    if (first) await this.#parts.persist();
    this.#parts.changed('adapters');
    return record;
  }

  /** The PEFT pair of an adapter, bundled or stored. */
  async #files(id: string): Promise<AdapterFiles> {
    const bundled = await this.#parts.bundled.open(id);
    if (bundled !== null) return bundled;
    const { record, weights } = await this.#parts.adapters.get(id);
    return { config: storedAdapterConfig(record), weights };
  }

  async #refuseBundled(id: string, what: string): Promise<void> {
    const found = (await this.#parts.bundled.list()).find((adapter) => adapter.id === id);
    if (found === undefined) return;
    throw new ArgumentError(`"${found.name}" came with the page: it cannot be ${what}.`, { id });
  }
}

/** adapter_config.json of a stored adapter. */
export function storedAdapterConfig(record: AdapterRecord): Uint8Array<ArrayBuffer> {
  return withBase(writeAdapterConfig(record.config, record.targetModules), record);
}

/** A config with what is known of the base, so that another page knows what the adapter was made for. */
function withBase(
  config: string,
  { fingerprint, precision }: Pick<AdapterSummary, 'fingerprint' | 'precision'>,
): Uint8Array<ArrayBuffer> {
  const json = JSON.parse(config) as Record<string, unknown>;
  const base = { [BASE_KEY]: fingerprint, ...(precision === null ? {} : { [PRECISION_KEY]: precision }) };
  return new TextEncoder().encode(JSON.stringify({ ...json, ...base }, null, 2));
}

/** Throws LookBackError `adapter/base` when an adapter was made for other weights than those loaded. */
function checkBase(
  name: string,
  made: string | null,
  loadedFingerprint: string,
  { entry }: Loaded,
  modelId?: string,
): void {
  if (made === null || made === loadedFingerprint) return;
  const other = modelId !== undefined && modelId !== entry.id;
  const message = other
    ? `The adapter "${name}" was made for the model "${modelId}", not for "${entry.id}": load that model first.`
    : `The adapter "${name}" was made for other weights than those of "${entry.id}": on these it would mean nothing.`;
  throw new LookBackError('adapter/base', message, {
    made,
    loaded: loadedFingerprint,
    modelId: modelId ?? null,
  });
}

/** What it means that an adapter cannot be read for the loaded model: where it names another base, that it needs that one. */
function misfit(name: string, error: unknown, { entry }: Loaded): unknown {
  if (!(error instanceof ModelError)) return error;
  const base = error.data?.baseModel;
  if (typeof base !== 'string' || base === entry.id || base === entry.label) return error;
  const message = `"${name}" says that it was made for the model "${base}", and it does not fit "${entry.label}", which is loaded: ${error.message}`;
  return new LookBackError('adapter/base', message, { ...error.data, modelId: base }, error);
}

function summaryOf(record: AdapterRecord): AdapterSummary {
  const { id, name, notes, modelId, fingerprint, precision, bundled, config, targetModules } = record;
  const { parameters, bytes, createdAt, run, metrics } = record;
  const { r, loraAlpha } = config;
  return {
    ...{ id, name, notes, modelId, fingerprint, precision, bundled, r, loraAlpha, targetModules },
    caution: null,
    ...{ parameters, bytes, createdAt, run, metrics },
  };
}

function checkedName(name: string): string {
  const words = name.trim();
  if (words !== '' && words.length <= MAX_NAME) return words;
  throw new ArgumentError(`An adapter needs a name of 1 to ${MAX_NAME} characters.`, { key: 'name' });
}
