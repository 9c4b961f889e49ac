// Turns a full disk, and every other way in which storage refuses, into StorageErrors with words on what to do.
// Nothing is lost by refusing: the check comes before the write, and a write that the browser refuses is a
// transaction that never was.

import { StorageError } from '../lib/errors';
import { formatBytes } from '../lib/format';

/** Writes below this are never refused by estimate: the browser's figures are rough, and it refuses itself. */
const ESTIMATED_FROM = 1 << 20;

function nameOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'name' in error ? String(error.name) : '';
}

function full(what: string, data: Record<string, unknown>, cause?: unknown): StorageError {
  return new StorageError(
    'storage/full',
    `There is no room to save ${what}; nothing was changed. Delete runs, datasets or adapters, or free space on this device, and try again.`,
    data,
    cause,
  );
}

/**
 * The StorageError that a failure of IndexedDB means: `storage/full`, `storage/newer`, `storage/closed`,
 * `storage/unavailable` or `storage/failed`. Errors that are not IndexedDB's come back as they are.
 * @param what what was being read or written, for the message
 */
export function storageFailure(error: unknown, what: string): unknown {
  if (error instanceof StorageError) return error;
  // Both the DOMException and the newer class of its own carry this name.
  if (nameOf(error) === 'QuotaExceededError') return full(what, { what }, error);
  if (!(error instanceof DOMException)) return error;
  switch (error.name) {
    case 'VersionError':
      return new StorageError(
        'storage/newer',
        'What is stored on this device was written by a newer version of this page. Reload the page.',
        undefined,
        error,
      );
    case 'InvalidStateError':
      return new StorageError(
        'storage/closed',
        `The browser closed the storage while ${what} was read or written. Try again, or reload the page.`,
        undefined,
        error,
      );
    case 'SecurityError':
      return new StorageError(
        'storage/unavailable',
        'This browser does not let the page store anything: private windows and blocked site data do that.',
        undefined,
        error,
      );
    default:
      return new StorageError(
        'storage/failed',
        `The browser could not read or write ${what} (${error.name}: ${error.message}). What was stored before is unchanged.`,
        { what, name: error.name },
        error,
      );
  }
}

/**
 * Refuses a write for which there is clearly no room, before anything is written. Chromium tells pages a fixed figure
 * rather than the true room, so there the browser itself refuses, a little later.
 * @throws StorageError `storage/full` with `needed` and `free` bytes
 */
export async function ensureRoom(bytes: number, what: string): Promise<void> {
  if (bytes < ESTIMATED_FROM) return;
  const free = await freeBytes();
  if (free === null || bytes <= free) return;
  throw full(`${what} (${formatBytes(bytes)}; about ${formatBytes(free)} are free)`, {
    what,
    needed: bytes,
    free,
  });
}

/** Bytes that are free by the browser's rough figures; null where it gives none. */
export async function freeBytes(): Promise<number | null> {
  const { usage, quota } = await estimate();
  return quota === 0 ? null : Math.max(0, quota - usage);
}

/** The browser's rough figures in bytes; zeros where it gives none. */
export async function estimate(): Promise<{ usage: number; quota: number }> {
  const storage = (globalThis.navigator as Navigator | undefined)?.storage;
  const { usage = 0, quota = 0 } = (await storage?.estimate?.().catch(() => undefined)) ?? {};
  return { usage, quota };
}
