// Reads all settings that the page keeps in this browser, for a backup, and adds those of a backup that are not here. Secrets
// are not among them: a token for the hub is kept nowhere.

import type { KeptSettings } from '../worker/protocol/backup';

const PREFIX = 'look-back/';

/** Where texts are kept by key; the browser's local storage, but for tests. */
type Texts = Pick<Storage, 'length' | 'key' | 'getItem' | 'setItem'>;

/** Settings by key; none where the browser's storage is blocked. */
export function keptSettings(storage: Texts = localStorage): KeptSettings {
  try {
    const keys = Array.from({ length: storage.length }, (_, at) => storage.key(at) ?? '');
    const own = keys.filter((key) => key.startsWith(PREFIX)).sort();
    return Object.fromEntries(own.map((key) => [key, storage.getItem(key) ?? '']));
  } catch {
    return {};
  }
}

/** Keeps those that are not here yet; what cannot be kept is left out. @returns how many */
export function addSettings(settings: KeptSettings, storage: Texts = localStorage): number {
  let added = 0;
  for (const [key, text] of Object.entries(settings)) {
    try {
      if (!key.startsWith(PREFIX) || storage.getItem(key) !== null) continue;
      storage.setItem(key, text);
      added += 1;
    } catch {
      // Full or blocked.
    }
  }
  return added;
}
