// Keeps a text in this browser between visits; where its storage is blocked, the text holds for the visit alone.
import type { KeptText } from '../state/kept_plan';

/** The text at a key of the browser's local storage. */
export function browserText(key: string): KeptText {
  return {
    read: () => {
      try {
        return localStorage.getItem(key);
      } catch {
        return null;
      }
    },
    write: (text) => {
      try {
        localStorage.setItem(key, text);
      } catch {
        // Full or blocked: nothing is remembered, then.
      }
    },
  };
}
