// A store of downloads in memory that keeps what a real one keeps: pieces with the state after them, and which files are
// whole. A test can cut the process off after any write by making `write` fail.

import type { DownloadTarget } from '../../src/hub/hub_download';
import type { StoredFileWriter, StoredPart } from '../../src/storage/model_store_folder';

/** The store; `files` is what was written so far. */
export class MemoryTarget implements DownloadTarget {
  readonly files = new Map<string, { bytes: Uint8Array; kept: StoredPart | null; finished: boolean }>();
  /** Called before each write; may throw to cut the download off. */
  beforeWrite: () => void = () => undefined;

  isFinished(name: string): boolean {
    return this.files.get(name)?.finished ?? false;
  }

  async file(name: string, size: number): Promise<StoredFileWriter> {
    const state = this.files.get(name) ?? { bytes: new Uint8Array(size), kept: null, finished: false };
    this.files.set(name, state);
    return {
      kept: state.kept,
      write: async (at, piece, kept) => {
        this.beforeWrite();
        state.bytes.set(piece, at);
        state.kept = kept;
      },
      discard: async () => {
        state.bytes.fill(0);
        state.kept = null;
      },
      finish: async () => {
        state.finished = true;
      },
      close: async () => undefined,
    };
  }
}
