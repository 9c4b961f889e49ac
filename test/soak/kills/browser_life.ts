// Starts a headless browser as a process group of its own on a profile that stays, and kills the group outright. When
// a life is over, none of its processes is left to hold the profile.

import { spawn } from 'node:child_process';
import { BROWSER_ARGS } from '../../../tools/browser.mjs';

/** A browser that runs. */
export interface BrowserLife {
  /** Kills every process of it at once; a second call does nothing. */
  kill(): void;
  /** Resolves when all of them are gone: to true when it was killed, to false when it ended by itself. */
  readonly over: Promise<boolean>;
}

const ARGS = [
  ...BROWSER_ARGS,
  '--headless=new',
  '--hide-crash-restore-bubble',
  '--disable-extensions',
  '--disable-component-extensions-with-background-pages',
  '--disable-default-apps',
  '--disable-breakpad',
  '--mute-audio',
  '--password-store=basic',
  '--use-mock-keychain',
];

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

/** Starts the browser at a page. */
export function startBrowser(executable: string, profile: string, url: string): BrowserLife {
  // Detached: it leads a process group, which its children stay in.
  const child = spawn(executable, [...ARGS, `--user-data-dir=${profile}`, url], {
    detached: true,
    // Every process of the group inherits the pipe: it closes when the last of them is gone.
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const leader = child.pid;
  if (leader === undefined) throw new Error(`${executable} could not be started.`);
  child.stderr.resume();
  let killed = false;
  const over = new Promise<boolean>((resolve) => {
    // Orphans of a browser that ended by itself would hold the profile as well.
    child.once('exit', () => killGroup(leader));
    child.once('close', () => resolve(killed));
  });
  const kill = (): void => {
    if (!killed) killGroup(leader);
    killed = true;
  };
  return { kill, over };
}
