// The model store in a dedicated Worker, where the platform allows it to write; driven by model_store.browser.test.ts.

import { expose } from 'comlink';
import { ModelStore } from '../../src/storage/model_store';
import type { StoredFileWriter, StoredModelWriter } from '../../src/storage/model_store_folder';

const store = new ModelStore();
let model: StoredModelWriter | undefined;
let file: StoredFileWriter | undefined;

const part = (bytes: number): { bytes: number; hash: string } => ({
  bytes,
  hash: `${'ab'.repeat(32)}:${bytes}`,
});

const commands = {
  async begin(key: string): Promise<void> {
    model = await store.write(key);
  },
  async open(name: string, bytes: number): Promise<number> {
    file = await model?.file(name, bytes);
    return file?.kept?.bytes ?? 0;
  },
  write: (at: number, piece: Uint8Array<ArrayBuffer>) => file?.write(at, piece, part(at + piece.length)),
  discard: () => file?.discard(),
  finish: () => file?.finish(),
  close: () => file?.close(),
  isFinished: (name: string) => model?.isFinished(name),
  commit: (id: string, names: string[]) =>
    model?.commit({
      id,
      revision: 'main',
      commit: 'c',
      storedAt: 1,
      files: names.map((name) => ({ name, bytes: 128, sha256: null })),
    }),
  release: () => model?.release(),
  /** Number of downloads that are not whole. */
  listParts: async () => (await store.listParts()).length,
  list: async () => (await store.list()).map(({ id }) => id),
  async read(key: string, name: string): Promise<string | null> {
    const opened = await store.open(key);
    try {
      return (await opened?.files.get(name)?.text()) ?? null;
    } finally {
      opened?.close();
    }
  },
  /** Keeps it open, as an engine does. */
  hold: async (key: string) => (await store.open(key)) !== null,
  /** Cuts the end off a stored file behind the store's back. */
  async damage(key: string, name: string, bytes: number): Promise<void> {
    const root = await navigator.storage.getDirectory();
    const folder = await (await root.getDirectoryHandle('models')).getDirectoryHandle(key);
    const writable = await (await folder.getFileHandle(name)).createWritable({ keepExistingData: true });
    await writable.truncate(bytes);
    await writable.close();
  },
  delete: (key: string) => store.delete(key),
};

/** What the test may ask of the Worker. */
export type ModelStoreCommands = typeof commands;

expose(commands);
