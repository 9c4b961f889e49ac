// Serves the commands of models that are brought onto this device: downloads from the hub, one at a time and resumable,
// folders that were handed over, and what is kept. What is in use is not deleted.

import type { GpuContext } from '../../gpu/device';
import type { HubAccess } from '../../hub/hub_access';
import { LookBackError, ModelError } from '../../lib/errors';
import { parseModelConfig } from '../../model/config';
import { blobSource } from '../../model/safetensors';
import type { ModelSpec } from '../../model/spec';
import { type ModelFiles, readModelJson } from '../../model/vision_language_model';
import { type ModelStore, modelKey } from '../../storage/model_store';
import type { ModelEntry } from '../../worker/protocol/engine';
import type { NamedFile } from '../../worker/protocol/library';
import type {
  DownloadEvent,
  FitRequest,
  HubChoice,
  ModelCommands,
  ModelFit,
  StoredModel,
} from '../../worker/protocol/models';
import type { HubModels } from '../answers/hub_models';
import type { ListedModel, ModelSource } from '../answers/model_registry';
import type { judgeFit } from './model_fit';

/** What the library of models needs. */
export interface ModelLibraryParts {
  readonly store: Pick<ModelStore, 'list' | 'listParts' | 'lastUse' | 'noteUse' | 'delete'>;
  /** Brings the hub's half, which most visits do not need. */
  hub(): Promise<{
    readonly access: Pick<HubAccess, 'use'>;
    readonly models: Pick<HubModels, 'list' | 'open' | 'describe' | 'download'>;
  }>;
  /** The models that came with the page. */
  readonly builtIn: Pick<ModelSource, 'open'>;
  /** The device that a model is judged for. Rejects with GpuError. */
  device(): Promise<GpuContext>;
  /** Judges a model by its spec; fetched with the first one. */
  judge(...judged: Parameters<typeof judgeFit>): Promise<ModelFit>;
  /** Bytes that are free to store in; null where the browser does not say. */
  freeBytes(): Promise<number | null>;
  emit(event: DownloadEvent): void;
  /** Says that the list of stored models is another. */
  changed(): void;
  /** Milliseconds since 1970. */
  date(): number;
}

/** Ids of models of the hub. */
export const HUB_IDS = /^[^:/]+\/[^:/]+$/;
/** Ids of folders. */
export const FOLDER_IDS = /^folder:/;
const MAX_FOLDER_FILES = 10_000;

/** What a verdict needs of a model's files. */
interface DescribedModel {
  readonly spec: ModelSpec;
  readonly downloadBytes: number;
}

/** A code that the page does not show as an error: somebody wished it. */
const PAUSED = 'model/download-paused';

/** Models of the hub, of folders, and what is kept of them. Its methods reject with LookBackErrors. */
export class ModelLibrary implements ModelCommands {
  readonly #parts: ModelLibraryParts;
  readonly #folders = new Map<string, { readonly entry: ListedModel; readonly files: ModelFiles }>();
  #download: AbortController | null = null;
  /** What was judged last: other settings of the same model ask the hub for nothing again. */
  #described: { readonly key: string; readonly facts: Promise<DescribedModel> } | null = null;

  constructor(parts: ModelLibraryParts) {
    this.#parts = parts;
  }

  /** The stored models of the hub, for the engine. */
  get stored(): ModelSource {
    return {
      // Wanted at every visit, the hub's half only with a model in it. Where nothing can be kept, nothing is.
      list: async () => {
        const kept = await this.#parts.store.list().catch(() => []);
        return kept.length === 0 ? [] : (await this.#parts.hub()).models.list();
      },
      open: async (id) => (await this.#parts.hub()).models.open(id),
    };
  }

  /** The folders that were handed over, for the engine. */
  get folders(): ModelSource {
    return {
      list: async () => [...this.#folders.values()].map(({ entry }) => entry),
      open: async (id) => {
        const found = this.#folders.get(id);
        if (found !== undefined) return found;
        throw new ModelError(
          'model/unknown',
          'This folder was handed over before the page was reloaded: choose it again.',
          { id },
        );
      },
    };
  }

  /** See ModelCommands. */
  async useHub(choice: HubChoice): Promise<void> {
    this.#described = null;
    (await this.#parts.hub()).access.use(choice);
  }

  /** See ModelCommands. */
  async assessModel(request: FitRequest): Promise<ModelFit> {
    const { spec, downloadBytes } = await this.#describeOnce(request);
    const facts = { downloadBytes, freeBytes: await this.#parts.freeBytes() };
    return this.#parts.judge(await this.#parts.device(), spec, request, facts);
  }

  #describeOnce(request: FitRequest): Promise<DescribedModel> {
    const key = `${request.id}@${request.revision}`;
    if (this.#described?.key === key) return this.#described.facts;
    const facts = this.#specOf(request);
    const described = { key, facts };
    this.#described = described;
    // A failure is tried again.
    facts.catch(() => {
      if (this.#described === described) this.#described = null;
    });
    return facts;
  }

  async #specOf(request: FitRequest): Promise<DescribedModel> {
    const { files, downloadBytes } = await this.#describe(request);
    try {
      const config = await readModelJson(files, 'config.json');
      return { spec: parseModelConfig(config, `${files.name}/config.json`), downloadBytes };
    } finally {
      files.close?.();
    }
  }

  /** Says that what is kept, or where it comes from, is another. */
  #changed(): void {
    this.#described = null;
    this.#parts.changed();
  }

  async #describe({ id, revision }: FitRequest): Promise<{ files: ModelFiles; downloadBytes: number }> {
    if (HUB_IDS.test(id)) {
      const { models } = await this.#parts.hub();
      return models.describe(id, revision, new AbortController().signal);
    }
    const source = FOLDER_IDS.test(id) ? this.folders : this.#parts.builtIn;
    const { files } = await source.open(id, () => undefined);
    return { files, downloadBytes: 0 };
  }

  /** See ModelCommands. */
  async downloadModel(id: string, revision: string): Promise<void> {
    if (this.#download !== null) {
      throw new LookBackError(
        'model/download-busy',
        'Another model is being downloaded: pause it first, or wait.',
        { id },
      );
    }
    const controller = new AbortController();
    this.#download = controller;
    const { signal } = controller;
    try {
      const { models } = await this.#parts.hub();
      const onProgress = (loaded: number, total: number): void =>
        this.#parts.emit({ type: 'downloadProgressed', id, loaded, total });
      await models.download(id, revision, { signal, onProgress });
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new LookBackError(PAUSED, 'The download was paused; what has arrived is kept.', { id });
    } finally {
      this.#download = null;
      this.#changed();
    }
  }

  /** See ModelCommands. */
  async pauseDownload(): Promise<void> {
    this.#download?.abort();
  }

  /** See ModelCommands. */
  async addModelFolder(files: readonly NamedFile[]): Promise<ModelEntry> {
    const { name, blobs } = folderOf(files);
    const id = `folder:${name}`;
    const open: ModelFiles['open'] = async (file) => {
      const blob = blobs.get(file);
      return blob === undefined ? null : blobSource(file, blob);
    };
    const listed = [...blobs].map(([file, { size }]) => ({ name: file, bytes: size }));
    const bytes = listed.reduce((sum, file) => sum + file.bytes, 0);
    const entry = { id, label: name, folder: '', bytes };
    this.#folders.set(id, { entry: { ...entry, files: listed }, files: { name, open } });
    this.#changed();
    return entry;
  }

  /** See ModelCommands. Whole models first. */
  async listStoredModels(): Promise<readonly StoredModel[]> {
    const { store } = this.#parts;
    const whole = (await store.list()).map(async (record): Promise<StoredModel> => {
      const { id, revision, commit, storedAt, files } = record;
      const key = modelKey(id, commit);
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      return { key, id, revision, commit, bytes, whole: true, storedAt, lastUse: await store.lastUse(key) };
    });
    const parts = (await store.listParts()).map(({ id, commit, bytes }): StoredModel => {
      const rest = { revision: null, whole: false, storedAt: null, lastUse: null };
      return { key: modelKey(id, commit), id, commit, bytes, ...rest };
    });
    return [...(await Promise.all(whole)), ...parts];
  }

  /** See ModelCommands. */
  async deleteModel(key: string): Promise<number> {
    try {
      return await this.#parts.store.delete(key);
    } finally {
      this.#changed();
    }
  }

  /** Notes that a model of the hub is used; a note that cannot be written is worth no error. */
  async noteUse(id: string, precision: string): Promise<void> {
    const { store, date, changed } = this.#parts;
    const record = (await store.list()).find((candidate) => candidate.id === id);
    if (record === undefined) return;
    await store.noteUse(modelKey(id, record.commit), { usedAt: date(), precision }).catch(() => undefined);
    changed();
  }
}

/** The folder with config.json among files that were dropped or picked. @throws ModelError `model/files` */
function folderOf(files: readonly NamedFile[]): { name: string; blobs: ReadonlyMap<string, Blob> } {
  const paths = files.map(({ path }) => path.replace(/^\/+/, ''));
  const configs = paths.filter((path) => /(?:^|\/)config\.json$/.test(path));
  const [config, other] = configs;
  if (files.length > MAX_FOLDER_FILES || config === undefined || other !== undefined) {
    const found = config === undefined ? 'none' : 'several';
    const message = `A model is one folder with one config.json; there is ${found} in what was chosen. Choose the folder that holds it.`;
    throw new ModelError('model/files', message, { files: files.length });
  }
  const root = config.slice(0, -'config.json'.length);
  const inside = files.flatMap(({ blob }, at) => {
    const name = paths[at]?.startsWith(root) ? paths[at].slice(root.length) : '/';
    return name.includes('/') ? [] : [[name, blob] as const];
  });
  const name = root.split('/').filter(Boolean).at(-1) ?? 'Folder';
  return { name, blobs: new Map(inside) };
}
