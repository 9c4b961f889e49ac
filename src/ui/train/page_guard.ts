// Keeps the screen awake and asks before the tab closes while a run is under way. A wake lock that the system took
// back is asked for again when the page is visible; a refusal changes nothing and is not shown.

import { effect } from '@preact/signals';
import type { LiveRun } from '../../state/train_live';

/** What the guard needs of the browser. */
export interface GuardHost {
  /** Asks for the screen to stay on; rejects where that is refused or unknown. */
  requestWakeLock(): Promise<{ release(): Promise<void> }>;
  visible(): boolean;
  onVisibility(listener: () => void): () => void;
  onBeforeUnload(listener: (event: Event) => void): () => void;
}

/** Starts to guard; returns how to end it. */
export function holdPage(host: GuardHost): () => void {
  let ended = false;
  let lock: { release(): Promise<void> } | null = null;
  let asking = false;
  const letGo = () => {
    lock?.release().catch(() => undefined);
    lock = null;
  };
  const ask = async () => {
    if (ended || asking || !host.visible()) return;
    asking = true;
    try {
      // The system takes a lock back whenever the page is hidden, so each visit needs its own.
      letGo();
      lock = await host.requestWakeLock();
    } catch {
      // Refused or unknown here: the run goes on, the screen may sleep.
    }
    asking = false;
    if (ended) letGo();
  };
  const stopVisibility = host.onVisibility(() => void ask());
  const stopUnload = host.onBeforeUnload((event) => event.preventDefault());
  void ask();
  return () => {
    ended = true;
    stopVisibility();
    stopUnload();
    letGo();
  };
}

/** The browser's own means. */
export function browserHost(): GuardHost {
  return {
    requestWakeLock: async () => navigator.wakeLock.request('screen'),
    visible: () => document.visibilityState === 'visible',
    onVisibility: (listener) => {
      document.addEventListener('visibilitychange', listener);
      return () => document.removeEventListener('visibilitychange', listener);
    },
    onBeforeUnload: (listener) => {
      window.addEventListener('beforeunload', listener);
      return () => window.removeEventListener('beforeunload', listener);
    },
  };
}

const GUARDED = new WeakSet<Pick<LiveRun, 'live'>>();

/** Guards every run of this tab from now on, also while another page is shown. Once is enough; more do nothing. */
export function guardRuns(run: Pick<LiveRun, 'live'>, host: GuardHost = browserHost()): void {
  if (GUARDED.has(run)) return;
  GUARDED.add(run);
  effect(() => (run.live.value ? holdPage(host) : undefined));
}
