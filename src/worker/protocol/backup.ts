// The messages about backups: everything that a person made as one zip, and what came of restoring one. Types only.

import type { MadeKind } from '../../storage/item_tables';
import type { NamedFile } from './library';

/** Settings of the page by the key under which the browser keeps them. */
export type KeptSettings = Readonly<Record<string, string>>;

/** A backup that was written. */
export interface WrittenBackup {
  /** The zip, to be saved as a file; null where it was written to the file that was chosen. */
  readonly file: File | null;
  readonly bytes: number;
  readonly items: number;
}

/** What became of an item of a backup. */
export interface RestoredItem {
  readonly kind: MadeKind;
  readonly name: string;
  /** `kept`: it is here already; `renamed`: it is beside one that has changed since. */
  readonly outcome: 'restored' | 'renamed' | 'kept' | 'refused';
  /** Its name now, or why it was refused. */
  readonly detail: string | null;
}

/** A model that a backup names; it is not in it. */
export interface NamedModel {
  readonly id: string;
  readonly revision: string;
  readonly commit: string;
  /** Whether it is here whole. */
  readonly here: boolean;
}

/** What came of restoring a backup. */
export interface RestoreReport {
  readonly items: readonly RestoredItem[];
  /** True when it was ended before the last item; those that are listed stay. */
  readonly cancelled: boolean;
  readonly models: readonly NamedModel[];
  /** Of the page that made it. */
  readonly settings: KeptSettings;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** How far a backup is. */
export interface BackupProgress {
  readonly phase: 'writing' | 'comparing' | 'restoring';
  /** The item in hand; '' before the first. */
  readonly name: string;
  /** Bytes, roughly. */
  readonly done: number;
  readonly total: number;
}

/** Facts about backups. */
export type BackupEvent = { readonly type: 'backupProgressed'; readonly progress: BackupProgress };

/** Commands of backups; one is written or restored at a time. */
export interface BackupCommands {
  /**
   * Writes all that a person made, and the settings of the page, as one zip. Models are named in it, not held.
   * @param target a file that the person chose; null for one of the browser's own, which is handed back
   */
  writeBackup(settings: KeptSettings, target: FileSystemFileHandle | null): Promise<WrittenBackup>;
  /** A dataset as a zip of an image folder, which the import of files reads. */
  exportDataset(id: string): Promise<File>;
  /** Restores what is not here. Ended by `cancelBackup`, it resolves with what was restored so far. */
  restoreBackup(file: NamedFile): Promise<RestoreReport>;
  /** Ends what is under way; writing then rejects with `storage/cancelled`. */
  cancelBackup(): Promise<void>;
}
