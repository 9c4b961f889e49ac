// The page of the soak: holds the Worker that downloads and loads, can kill it, and answers the program that drives it.

import { type Remote, wrap } from 'comlink';
import type { HubSoakCommands } from './worker';

let worker: Worker;
let commands: Remote<HubSoakCommands>;

/** What the driving program calls. */
export interface HubSoak {
  begin(address: string, quick: boolean): Promise<void>;
  kill(): void;
  download(id: string): Promise<string | null>;
  pause(): Promise<void>;
  progress(): Promise<number>;
  load(id: string, real: boolean): Promise<string>;
  clear(id: string): Promise<void>;
}

declare global {
  interface Window {
    hubSoak: HubSoak;
  }
}

window.hubSoak = {
  begin: async (address, quick) => {
    worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    commands = wrap<HubSoakCommands>(worker);
    await commands.begin(address, quick);
  },
  kill: () => worker.terminate(),
  download: (id) => commands.download(id),
  pause: () => commands.pause(),
  progress: () => commands.progress(),
  load: (id, real) => commands.load(id, real),
  clear: (id) => commands.clear(id),
};
