// The messages about models that are brought onto this device: where they come from, how a download goes, what is kept.
// Types only.

import type { ModelEntry } from './engine';
import type { NamedFile } from './library';

/** Where models come from. */
export interface HubChoice {
  /** Address of the hub, or of a mirror with the same paths. */
  readonly address: string;
  /** A token that may read gated models; kept in memory only, and sent to this address only. */
  readonly token: string | null;
}

/** A model, or a part of one, that is kept on this device. */
export interface StoredModel {
  /** Names it to `deleteModel`. */
  readonly key: string;
  readonly id: string;
  /** What was asked for; null of a part. */
  readonly revision: string | null;
  readonly commit: string;
  readonly bytes: number;
  /** False for a download that was paused or cut off, and can go on. */
  readonly whole: boolean;
  /** Milliseconds since 1970; null of a part. */
  readonly storedAt: number | null;
  /** The last use, with the precision in which the weights were put on the device; null before the first. */
  readonly lastUse: { readonly usedAt: number; readonly precision: string } | null;
}

/** How far a download is: bytes that are kept. */
export interface DownloadEvent {
  readonly type: 'downloadProgressed';
  readonly id: string;
  readonly loaded: number;
  readonly total: number;
}

/** Commands of models that are brought here. */
export interface ModelCommands {
  /** Takes models from an address from now on. Rejects with `model/hub-address` or `model/hub-token`. */
  useHub(choice: HubChoice): Promise<void>;
  /**
   * Brings a model of the hub onto this device; resolves when it is here whole. One at a time: rejects with
   * `model/download-busy` while another is under way, and with `model/download-paused` when it was paused.
   */
  downloadModel(id: string, revision: string): Promise<void>;
  /** Ends the download under way; what has arrived is kept, and the same command goes on there. */
  pauseDownload(): Promise<void>;
  /** Reads a model from files that were dropped or picked; it is listed until the page is closed. */
  addModelFolder(files: readonly NamedFile[]): Promise<ModelEntry>;
  listStoredModels(): Promise<readonly StoredModel[]>;
  /** @returns bytes freed */
  deleteModel(key: string): Promise<number>;
}
