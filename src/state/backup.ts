// Writes everything that a person made to one file and restores it, over an engine's client: how far it is, what it came to,
// and the settings of the page, which only the page can read.

import { batch, type ReadonlySignal, signal } from '@preact/signals';
import { type PlainError, plainError } from '../lib/plain_error';
import type { EngineClient } from '../worker/client';
import type { BackupProgress, KeptSettings, RestoreReport, WrittenBackup } from '../worker/protocol/backup';
import type { NamedFile } from '../worker/protocol/library';
import { type Pace, paceAfter } from './pace';

/** What is under way. */
export interface BackupWork extends Pace {
  readonly phase: BackupProgress['phase'];
  /** The item in hand; '' before the first. */
  readonly name: string;
}

/** What restoring came to, with the settings that were taken. */
export interface Restored {
  readonly report: RestoreReport;
  /** Settings that were not here, and are used from the next visit on. */
  readonly settings: number;
}

/** Commands never throw: failures become `error`. */
export interface BackupState {
  /** Null while nothing is under way. */
  readonly work: ReadonlySignal<BackupWork | null>;
  readonly error: ReadonlySignal<PlainError | null>;
  readonly written: ReadonlySignal<WrittenBackup | null>;
  readonly restored: ReadonlySignal<Restored | null>;
  write(): Promise<void>;
  restore(files: Promise<readonly NamedFile[]>): Promise<void>;
  cancel(): void;
  dismiss(): void;
}

/** What the page gives. */
export interface BackupServices {
  readonly client: Pick<EngineClient, 'listen' | 'writeBackup' | 'restoreBackup' | 'cancelBackup'>;
  /** Settings that the browser keeps for the page. */
  readonly settings: {
    all(): KeptSettings;
    /** Keeps those that are not there yet. @returns how many */
    add(settings: KeptSettings): number;
  };
  /** Asks where to save; null where the browser has no such question, and undefined when the answer is nowhere. */
  chooseFile(name: string): Promise<FileSystemFileHandle | null | undefined>;
  /** Offers a file for download. */
  save(file: File, name: string): void;
  /** Monotonic milliseconds, and milliseconds since 1970. */
  now(): number;
  date(): number;
}

/** Bytes of a zip's end that are looked at: a backup lists its contents in the last file of its directory. */
const TAIL_BYTES = 4096;

/** Whether files that were handed over are a backup, as far as their end tells. */
export async function isBackup(files: readonly NamedFile[]): Promise<boolean> {
  const [file, other] = files;
  if (file === undefined || other !== undefined) return false;
  const tail = new TextDecoder('latin1').decode(await file.blob.slice(-TAIL_BYTES).arrayBuffer());
  return tail.includes('PK\x05\x06') && tail.includes('library.json');
}

/** Makes the state. */
export function createBackup({ client, settings, chooseFile, save, now, date }: BackupServices): BackupState {
  const work = signal<BackupWork | null>(null);
  const error = signal<PlainError | null>(null);
  const written = signal<WrittenBackup | null>(null);
  const restored = signal<Restored | null>(null);
  client.listen((events) => {
    for (const event of events) {
      const before = work.value;
      if (event.type !== 'backupProgressed' || before === null) continue;
      const { phase, name, done, total } = event.progress;
      const same = before.phase === phase ? before : null;
      work.value = { phase, name, ...paceAfter(same, done, total, now()) };
    }
  });
  const dismiss = () =>
    batch(() => {
      error.value = null;
      written.value = null;
      restored.value = null;
    });
  async function working(phase: BackupProgress['phase'], run: () => Promise<void>): Promise<void> {
    if (work.value !== null) return;
    batch(() => {
      dismiss();
      work.value = { phase, name: '', ...paceAfter(null, 0, 0, now()) };
    });
    try {
      await run();
    } catch (thrown) {
      const plain = plainError(thrown);
      if (plain.code !== 'storage/cancelled') error.value = plain;
    } finally {
      work.value = null;
    }
  }
  return {
    ...{ work, error, written, restored, dismiss },
    write: async () => {
      if (work.value !== null) return;
      const name = `look-back-${new Date(date()).toISOString().slice(0, 10)}.zip`;
      const target = await chooseFile(name).catch(() => null);
      if (target === undefined) return;
      await working('writing', async () => {
        const made = await client.writeBackup(settings.all(), target);
        if (made.file !== null) save(made.file, name);
        written.value = made;
      });
    },
    restore: (files) =>
      working('comparing', async () => {
        const [file] = await files;
        if (file === undefined) return;
        const report = await client.restoreBackup(file);
        const added = report.cancelled ? 0 : settings.add(report.settings);
        restored.value = { report, settings: added };
      }),
    cancel: () => void client.cancelBackup().catch(() => undefined),
    dismiss,
  };
}
