// Serves the commands of backups: writes all that a person made into one zip while it is read, and restores what a zip holds
// and is not here. One is under way at a time; it can be ended, and then nothing half-written stays.

import { makeZip } from 'client-zip';
import { StorageError } from '../../lib/errors';
import type { ChangedStore } from '../../storage/channel';
import type { Items } from '../../storage/item_store';
import { ITEM_KINDS, ITEM_TABLES, type MadeKind, type PlainRecord } from '../../storage/item_tables';
import { ensureRoom, storageFailure } from '../../storage/quota';
import type {
  BackupCommands,
  BackupProgress,
  KeptSettings,
  RestoredItem,
  RestoreReport,
  WrittenBackup,
} from '../../worker/protocol/backup';
import type { NamedFile } from '../../worker/protocol/library';
import type { StoredModel } from '../../worker/protocol/models';
import { BACKUP_FORMAT, BACKUP_VERSION, MANIFEST_FILE, type Manifest, openBackup } from './backup_file';
import { imageFolder, itemEntries, RECORD_FILE } from './item_entries';
import { ITEM_RULES } from './made_items';
import { planRestore, restoreItem } from './restore_items';

/** A file that a backup is written into. */
export type BackupFile = Pick<FileSystemFileHandle, 'createWritable' | 'getFile'>;

/** What the host needs. */
export interface BackupParts {
  readonly items: Items;
  readonly models: { listStoredModels(): Promise<readonly StoredModel[]> };
  /** A file of the browser's own, until the next is asked for. */
  scratchFile(name: string): Promise<BackupFile>;
  /** Asks the browser not to clear what is stored. */
  persist(): Promise<unknown>;
  /** Called with each store that changed. */
  changed(store: ChangedStore): void;
  progressed(progress: BackupProgress): void;
  /** Milliseconds since 1970. */
  date(): number;
}

interface MadeItem {
  readonly kind: MadeKind;
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
  readonly folder: string;
}

const STORE_OF: Readonly<Record<MadeKind, ChangedStore>> = {
  dataset: 'datasets',
  adapter: 'adapters',
  run: 'runs',
  evaluation: 'evaluations',
  coldStart: 'coldStarts',
  trace: 'traces',
};
const PROGRESS_MS = 100;
const README = `Everything that Look-Back kept in a browser: adapters, datasets, runs, evaluations, a cold start, looks.
Look-Back restores it, beside what is there. Folders of adapters are read by PEFT as they are; a dataset's pictures and
metadata.jsonl are an image folder; other tables are JSON lines. Models are named in library.json and are not in here.
`;

/** A name that every file system takes. */
function slugOf(name: string): string {
  const slug = name
    .normalize('NFKD')
    .replace(/[^\w.-]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '');
  return slug.slice(0, 60) || 'item';
}

/** One host per engine. Its methods reject with LookBackErrors. */
export class BackupHost implements BackupCommands {
  readonly #parts: BackupParts;
  #work: AbortController | undefined;

  constructor(parts: BackupParts) {
    this.#parts = parts;
  }

  /** See BackupCommands. */
  async cancelBackup(): Promise<void> {
    this.#work?.abort(new StorageError('storage/cancelled', 'The backup was cancelled.'));
  }

  /** See BackupCommands. */
  async writeBackup(settings: KeptSettings, target: FileSystemFileHandle | null): Promise<WrittenBackup> {
    return this.#working(async (signal) => {
      const made = await this.#made();
      const bytes = made.reduce((sum, item) => sum + item.bytes, 0);
      const { date, scratchFile } = this.#parts;
      if (target === null) await ensureRoom(bytes, 'the backup before it is downloaded');
      const name = `look-back-${new Date(date()).toISOString().slice(0, 10)}.zip`;
      const handle = target ?? (await scratchFile(name));
      const manifest: Manifest = {
        createdAt: date(),
        items: [],
        models: await this.#models(),
        settings: { ...settings },
      };
      const file = await writeZip(handle, this.#files(made, manifest, signal), signal);
      return { file: target === null ? file : null, bytes: file.size, items: manifest.items.length };
    });
  }

  /** See BackupCommands. */
  async exportDataset(id: string): Promise<File> {
    return this.#working(async (signal) => {
      const { items, scratchFile } = this.#parts;
      const record = await items.record('dataset', id);
      if (record === null)
        throw new StorageError('storage/missing', 'This dataset is not stored here any more.', { id });
      const [name, bytes] = [ITEM_RULES.dataset.nameOf(record), sizeOf(record)];
      await ensureRoom(bytes, 'the dataset before it is downloaded');
      const tell = this.#progress('writing', bytes);
      const files = async function* () {
        for await (const { path, bytes: own } of imageFolder(items, id)) {
          signal.throwIfAborted();
          yield {
            name: path,
            input: own,
            size: own.length,
            lastModified: new Date(Number(record.createdAt)),
          };
          tell(name, own.length);
        }
      };
      return writeZip(await scratchFile('dataset.zip'), files(), signal);
    });
  }

  /** See BackupCommands. */
  async restoreBackup({ path, blob }: NamedFile): Promise<RestoreReport> {
    const { items } = this.#parts;
    const report = await this.#working((signal) =>
      items.exclusively(() => this.#restore(path, blob, signal)),
    );
    if (report === null)
      throw new StorageError('storage/busy', 'Another tab is restoring a backup: wait until it is done.');
    return report;
  }

  async #working<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#work !== undefined)
      throw new StorageError('storage/busy', 'A backup is being written or restored: wait, or cancel it.');
    const work = new AbortController();
    this.#work = work;
    try {
      return await run(work.signal);
    } finally {
      this.#work = undefined;
    }
  }

  /** All that a person made, with the folder of each. */
  async #made(): Promise<MadeItem[]> {
    const { items } = this.#parts;
    const made: MadeItem[] = [];
    for (const kind of ITEM_KINDS) {
      for (const [at, id] of (await items.ids(kind)).entries()) {
        const record = await items.record(kind, id);
        if (record === null) continue;
        const name = ITEM_RULES[kind].nameOf(record);
        const folder = `${ITEM_TABLES[kind].folder}/${String(at + 1).padStart(3, '0')}-${slugOf(name)}`;
        made.push({ kind, id, name, bytes: sizeOf(record), folder });
      }
    }
    return made;
  }

  async #models(): Promise<Manifest['models']> {
    const models = await this.#parts.models.listStoredModels().catch(() => []);
    return models.flatMap(({ id, revision, commit, whole }) =>
      whole ? [{ id, revision: revision ?? commit, commit }] : [],
    );
  }

  /** The files of the zip. The manifest is filled while they are made, and comes last. */
  async *#files(made: readonly MadeItem[], manifest: Manifest, signal: AbortSignal) {
    const total = made.reduce((sum, { bytes }) => sum + bytes, 0);
    const tell = this.#progress('writing', total);
    const lastModified = new Date(manifest.createdAt);
    yield { name: 'README.txt', input: README, lastModified };
    for (const { kind, id, name, folder } of made) {
      for await (const { path, bytes } of itemEntries(this.#parts.items, kind, id)) {
        signal.throwIfAborted();
        yield { name: `${folder}/${path}`, input: bytes, size: bytes.length, lastModified };
        tell(name, bytes.length);
        if (path === RECORD_FILE) manifest.items.push({ kind, name, folder });
      }
    }
    const text = JSON.stringify({ format: BACKUP_FORMAT, version: BACKUP_VERSION, ...manifest }, null, 1);
    yield { name: MANIFEST_FILE, input: `${text}\n`, lastModified };
  }

  async #restore(name: string, blob: Blob, signal: AbortSignal): Promise<RestoreReport> {
    const { items, persist, changed, progressed } = this.#parts;
    const backup = await openBackup(blob, name);
    const total = backup.folders.reduce((sum, { bytes }) => sum + bytes, 0);
    const restored: RestoredItem[] = [];
    try {
      progressed({ phase: 'comparing', name: '', done: 0, total });
      const plan = await planRestore(backup, items, signal);
      const written = plan.items.filter(({ act }) => act.do === 'write');
      const tell = this.#progress(
        'restoring',
        written.reduce((sum, { folder }) => sum + folder.bytes, 0),
      );
      for (const item of plan.items) {
        signal.throwIfAborted();
        const around = { items, map: plan.map, signal };
        restored.push(await restoreItem(item, around, (bytes) => tell(item.name, bytes)));
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    const news = restored.filter(({ outcome }) => outcome === 'restored' || outcome === 'renamed');
    for (const kind of new Set(news.map((item) => item.kind))) changed(STORE_OF[kind]);
    if (news.length > 0) await persist();
    const { models, settings, createdAt } = backup.manifest;
    const here = new Set((await this.#models()).map(({ id, commit }) => `${id} ${commit}`));
    return {
      ...{ items: restored, cancelled: signal.aborted, settings, createdAt },
      models: models.map((model) => ({ ...model, here: here.has(`${model.id} ${model.commit}`) })),
    };
  }

  /** Adds bytes up and reports them, no more often than a person can see. */
  #progress(phase: BackupProgress['phase'], total: number): (name: string, bytes: number) => void {
    let [done, last] = [0, Number.NEGATIVE_INFINITY];
    return (name, bytes) => {
      done += bytes;
      const now = this.#parts.date();
      if (now - last < PROGRESS_MS) return;
      last = now;
      this.#parts.progressed({ phase, name, done: Math.min(done, total), total });
    };
  }
}

/** Writes a zip into a file. What is closed is whole; what is aborted leaves the file as it was. */
async function writeZip(
  handle: BackupFile,
  files: Parameters<typeof makeZip>[0],
  signal: AbortSignal,
): Promise<File> {
  try {
    const writable = await handle.createWritable();
    await (makeZip(files) as ReadableStream<Uint8Array<ArrayBuffer>>).pipeTo(writable, { signal });
    return await handle.getFile();
  } catch (error) {
    signal.throwIfAborted();
    throw storageFailure(error, 'the zip');
  }
}

function sizeOf({ bytes }: PlainRecord): number {
  return typeof bytes === 'number' ? bytes : 0;
}
