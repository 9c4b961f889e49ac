// Finds the processes of a browser by its profile, ends it as a power cut would, and reads how much memory its renderers and
// its GPU process take and have taken at most. On Linux alone, where the kernel says so.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process has ended meanwhile.
    return '';
  }
}

function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({
      pid: Number(name),
      parent: Number(/^PPid:\s*(\d+)/m.exec(readText(`/proc/${name}/status`))?.[1] ?? 0),
      command: readText(`/proc/${name}/cmdline`).replaceAll('\0', ' '),
    }));
}

/** The browser on a profile with everything that it started. */
function family(profile: string): Process[] {
  const all = processes();
  const isMain = ({ command }: Process): boolean =>
    command.includes(`--user-data-dir=${profile}`) && !command.includes('--type=');
  const found = all.filter(isMain);
  for (let size = 0; size < found.length; ) {
    size = found.length;
    const known = new Set(found.map(({ pid }) => pid));
    found.push(...all.filter(({ pid, parent }) => known.has(parent) && !known.has(pid)));
  }
  return found;
}

/** Kills every process of the browser on a profile; resolves when none is left. */
export async function killBrowser(profile: string): Promise<void> {
  for (let found = family(profile); found.length > 0; found = family(profile)) {
    for (const { pid } of found) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone already.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Bytes by which processes have grown at most since a baseline. */
export interface Growth {
  /** Of the renderer that grew most: the page and its Worker, with what they share with the GPU process. */
  readonly renderer: number;
  /** Of the GPU process, where the weights on a software device lie. */
  readonly gpuProcess: number;
}

/** Takes what the processes of a browser take now as the baseline of their peaks. @returns the growth since then */
export function growthFromNow(profile: string): () => Growth {
  const started = (['renderer', 'gpu-process'] as const).map((type) => {
    const found = family(profile).filter(({ command }) => command.includes(`--type=${type}`));
    return found.map(({ pid }) => {
      // The kernel forgets the peak so far.
      writeFileSync(`/proc/${pid}/clear_refs`, '5');
      return [pid, statusBytes(pid, 'VmRSS')] as const;
    });
  });
  const most = (processes: readonly (readonly [number, number])[]): number =>
    Math.max(0, ...processes.map(([pid, bytes]) => statusBytes(pid, 'VmHWM') - bytes));
  return () => ({ renderer: most(started[0] ?? []), gpuProcess: most(started[1] ?? []) });
}

function statusBytes(pid: number, key: 'VmRSS' | 'VmHWM'): number {
  const kilobytes = new RegExp(`^${key}:\\s*(\\d+) kB`, 'm').exec(readText(`/proc/${pid}/status`))?.[1];
  return 1024 * Number(kilobytes ?? 0);
}
