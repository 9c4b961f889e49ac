// Takes locks over all tabs of this origin (Web Locks): one live training run, one import at a time per dataset. A
// lock ends with its holder, also when that crashes, so nothing is ever left locked.

import { StorageError } from '../lib/errors';

/** A lock in hand. */
export interface HeldLock {
  /** Gives it back; a second call does nothing. */
  release(): void;
}

function lockManager(): LockManager {
  const locks = (globalThis.navigator as Navigator | undefined)?.locks;
  if (locks) return locks;
  throw new StorageError(
    'storage/unavailable',
    'This browser has no Web Locks, which keep several tabs apart. Use a current browser over https or on localhost.',
  );
}

/**
 * Runs `body` while holding a lock; waits for whoever holds it now.
 * @throws the signal's reason when aborted before the lock was granted
 */
export async function withLock<T>(
  name: string,
  mode: LockMode,
  signal: AbortSignal | undefined,
  body: () => Promise<T>,
): Promise<T> {
  // Typed by hand: lib.dom resolves the callback's promise only in newer versions.
  return lockManager().request(name, signal ? { mode, signal } : { mode }, body) as Promise<T>;
}

/**
 * Takes a lock if it is free, here and in other tabs; null if it is not. Several may share one that nobody has exclusively.
 */
export async function tryLock(name: string, mode: LockMode = 'exclusive'): Promise<HeldLock | null> {
  return new Promise((resolve, reject) => {
    lockManager()
      .request(name, { ifAvailable: true, mode }, (lock) => {
        if (lock === null) {
          resolve(null);
          return undefined;
        }
        return new Promise<void>((release) => resolve({ release }));
      })
      .catch(reject);
  });
}

/** Whether anybody has a lock, here or in another tab. Asking takes nothing, so that nobody finds it taken by the question. */
export async function isLocked(name: string): Promise<boolean> {
  const { held = [] } = await lockManager().query();
  return held.some((lock) => lock.name === name);
}
