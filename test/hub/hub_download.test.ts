// Whole downloads against a real HTTP server that behaves like the hub: every fault ends with the right bytes or the
// right error, a download goes on where it was cut, and a token reaches no other host.

import { createHash } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { HubClient } from '../../src/hub/hub_client';
import { type DownloadStep, downloadFiles } from '../../src/hub/hub_download';
import { createPrng } from '../../src/lib/prng';
import { COMMIT, FATAL_FAULTS, type HubFault, PASSING_FAULTS, startHub } from './hub_server';
import { MemoryTarget } from './memory_target';

const PIECE = 4096;
const ID = 'tiny/model';
const NAMES = ['config.json', 'model.safetensors'];

function noise(length: number, seed: number): Uint8Array {
  const prng = createPrng(seed);
  return Uint8Array.from({ length }, () => prng.nextInt(256));
}

const FILES = { 'config.json': noise(700, 1), 'model.safetensors': noise(10 * PIECE + 123, 2) };
const hub = await startHub({ [ID]: FILES, 'gated/model': FILES });
afterAll(() => hub.close());

beforeEach(() => {
  hub.requests.length = 0;
  hub.fault = () => null;
  hub.listingFault = () => null;
  hub.ranges = true;
  hub.gated.clear();
});

/** A stall is far longer than a busy machine takes to answer, but where a test waits for one. */
function client(waits: number[] = [], stallMs = 20_000): HubClient {
  return new HubClient({
    endpoint: hub.endpoint,
    fetch: (url, init) => fetch(url, init),
    sleep: async (ms) => void waits.push(ms),
    random: () => 0.5,
    stallMs,
  });
}

/** Gives a stalled connection up soon, where the fault is one. */
const clientFor = (fault: HubFault): HubClient =>
  fault === 'stall' || fault === 'no-answer' ? client([], 300) : client();

async function download(
  target: MemoryTarget,
  options: {
    client?: HubClient;
    id?: string;
    signal?: AbortSignal;
    onProgress?: (step: DownloadStep) => void;
  } = {},
): Promise<void> {
  const asking = options.client ?? client();
  const signal = options.signal ?? new AbortController().signal;
  const listing = await asking.listing(options.id ?? ID, 'main', signal);
  await downloadFiles(asking, listing, NAMES, target, {
    signal,
    pieceBytes: PIECE,
    ...(options.onProgress ? { onProgress: options.onProgress } : {}),
  });
}

function expectWhole(target: MemoryTarget): void {
  for (const [name, content] of Object.entries(FILES)) {
    expect(target.isFinished(name)).toBe(true);
    expect(Buffer.compare(target.files.get(name)?.bytes ?? new Uint8Array(), content)).toBe(0);
  }
}

/** A fault for the first `times` requests of the weights. */
function failing(kind: HubFault, times: number): void {
  let left = times;
  hub.fault = (path) => (path === 'model.safetensors' && left-- > 0 ? kind : null);
}

describe('downloadFiles', () => {
  it('brings every byte and reports each piece that is kept', async () => {
    const target = new MemoryTarget();
    const steps: DownloadStep[] = [];
    await download(target, { onProgress: (step) => steps.push(step) });
    expectWhole(target);
    const total = 700 + 10 * PIECE + 123;
    expect(steps.at(-1)).toEqual({ file: 'model.safetensors', loaded: total, total });
    expect(steps.map(({ loaded }) => loaded)).toEqual(
      [...steps].map(({ loaded }) => loaded).sort((a, b) => a - b),
    );
  });

  it('pins a branch to its commit', async () => {
    await download(new MemoryTarget());
    const paths = hub.requests.filter(({ path }) => path.includes('/resolve/')).map(({ path }) => path);
    expect(paths.length).toBeGreaterThan(2);
    expect(paths.every((path) => path.includes(COMMIT))).toBe(true);
  });

  it.each(PASSING_FAULTS)('comes through a passing fault: %s', async (fault) => {
    failing(fault, 1);
    const target = new MemoryTarget();
    await download(target, { client: clientFor(fault) });
    expectWhole(target);
  });

  it.each(Object.entries(FATAL_FAULTS) as [HubFault, string][])(
    'ends at once with a fault that stays: %s',
    async (fault, code) => {
      failing(fault, 1);
      const target = new MemoryTarget();
      await expect(download(target)).rejects.toMatchObject({ code });
      expect(target.isFinished('model.safetensors')).toBe(false);
      await download(target);
      expectWhole(target);
    },
  );

  it.each(['stall', 'no-answer', 'cut-body', 'slow'] as const)(
    'comes through a listing with the fault %s',
    async (fault) => {
      let left = 1;
      hub.listingFault = () => (left-- > 0 ? fault : null);
      const target = new MemoryTarget();
      await download(target, { client: clientFor(fault) });
      expectWhole(target);
    },
  );

  it.each([
    ['busy', 'model/hub-busy'],
    ['cut-body', null],
    ['altered-byte', 'model/integrity'],
    ['expired', 'model/hub-unreachable'],
    ['server-error', 'model/hub-unreachable'],
    ['reset', 'model/hub-unreachable'],
    ['whole-file', null],
    ['wrong-range', 'model/hub-unreachable'],
    ['no-answer', 'model/hub-unreachable'],
  ] as const)('ends rightly when every request has the fault %s', async (fault, code) => {
    failing(fault, Number.POSITIVE_INFINITY);
    const target = new MemoryTarget();
    // A cut body brings half of what is missing each time, so it arrives in the end.
    if (code === null) {
      await download(target);
      expectWhole(target);
    } else {
      await expect(download(target, { client: clientFor(fault) })).rejects.toMatchObject({ code });
      expect(target.isFinished('model.safetensors')).toBe(false);
    }
  });

  it('reads a file in order from a server without ranges', async () => {
    hub.ranges = false;
    failing('cut-body', 2);
    const target = new MemoryTarget();
    await download(target);
    expectWhole(target);
  });

  it('waits at least as long as a busy server asks', async () => {
    failing('busy', 2);
    const waits: number[] = [];
    await download(new MemoryTarget(), { client: client(waits) });
    expect(waits).toHaveLength(2);
  });

  it('goes on where it was cut, after any number of cuts', async () => {
    const target = new MemoryTarget();
    let writes = 0;
    target.beforeWrite = () => {
      if (++writes % 3 === 0) throw new Error('the tab was closed');
    };
    let cuts = 0;
    while (!target.isFinished('model.safetensors')) {
      await download(target).catch(() => cuts++);
      expect(cuts).toBeLessThan(20);
    }
    expectWhole(target);
    expect(cuts).toBeGreaterThan(2);
    const begins = hub.requests
      .filter(({ host, path }) => host === 'storage' && path.endsWith(sha('model.safetensors')))
      .map(({ range }) => Number(/=(\d+)-/.exec(range ?? '')?.[1]));
    // Pieces that were kept are not fetched again: each new start begins at or behind the last kept one.
    expect(begins.filter((begin) => begin === 0)).toHaveLength(1);
  });

  it('starts over when what was kept is not usable', async () => {
    const target = new MemoryTarget();
    const writer = await target.file('model.safetensors', 10 * PIECE + 123);
    await writer.write(0, new Uint8Array(PIECE), { bytes: PIECE, hash: 'nonsense' });
    await download(target);
    expectWhole(target);
  });

  it('never hands on a kept part that was altered on disk', async () => {
    const target = new MemoryTarget();
    let writes = 0;
    target.beforeWrite = () => {
      if (++writes === 4) throw new Error('the tab was closed');
    };
    await expect(download(target)).rejects.toThrow('closed');
    const kept = target.files.get('model.safetensors')?.kept;
    const state = target.files.get('model.safetensors');
    // The state of another content: the hash of the whole cannot come out right, so the file is fetched anew.
    if (state && kept) state.kept = { bytes: kept.bytes, hash: `${'0'.repeat(64)}:${kept.bytes}` };
    await download(target);
    expectWhole(target);
  });

  it('stops at once when cancelled, and can be resumed', async () => {
    const target = new MemoryTarget();
    const cancel = new AbortController();
    target.beforeWrite = () => {
      if (target.files.get('model.safetensors')?.kept?.bytes === 2 * PIECE)
        cancel.abort(new Error('cancelled'));
    };
    await expect(download(target, { signal: cancel.signal })).rejects.toThrow('cancelled');
    target.beforeWrite = () => undefined;
    await download(target);
    expectWhole(target);
  });
});

function sha(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

describe('models that are not open', () => {
  it('says where to accept the licence', async () => {
    hub.gated.set('gated/model', 'secret');
    const refused = download(new MemoryTarget(), { id: 'gated/model' });
    await expect(refused).rejects.toMatchObject({ code: 'model/hub-gated' });
    await expect(refused).rejects.toThrow(`${hub.endpoint.href}gated/model`);
  });

  it('gives a token to the hub and to no other host', async () => {
    hub.gated.set('gated/model', 'secret');
    const asking = client();
    asking.useToken('secret');
    const target = new MemoryTarget();
    await download(target, { id: 'gated/model', client: asking });
    expectWhole(target);
    const storage = hub.requests.filter(({ host }) => host === 'storage');
    expect(storage.length).toBeGreaterThan(0);
    expect(storage.filter(({ token }) => token)).toEqual([]);
    expect(hub.requests.filter(({ host }) => host === 'hub').every(({ token }) => token)).toBe(true);
  });

  it.each([
    ['no/such', 'main', 'model/hub-missing'],
    [ID, 'nowhere', 'model/hub-missing'],
    ['pocket', 'main', 'model/hub-name'],
  ])('refuses %s at %s', async (id, revision, code) => {
    const asked = client().listing(id, revision, new AbortController().signal);
    await expect(asked).rejects.toMatchObject({ code });
  });
});

describe('random faults', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'ends with the listed bytes or an error, never with others (seed %i)',
    async (seed) => {
      const prng = createPrng(77, seed);
      const faults = [...PASSING_FAULTS, ...(Object.keys(FATAL_FAULTS) as HubFault[])];
      hub.fault = () => (prng.nextFloat() < 0.4 ? (faults[prng.nextInt(faults.length)] ?? null) : null);
      const target = new MemoryTarget();
      for (let lives = 0; lives < 20 && !target.isFinished('model.safetensors'); lives++) {
        await download(target, { client: client([], 300) }).catch((error: unknown) => {
          expect(error).toMatchObject({ code: expect.stringMatching(/^model\/(hub-|integrity)/) });
        });
      }
      for (const [name, content] of Object.entries(FILES)) {
        if (!target.isFinished(name)) continue;
        expect(Buffer.compare(target.files.get(name)?.bytes ?? new Uint8Array(), content)).toBe(0);
      }
      expect(target.isFinished('config.json')).toBe(true);
    },
  );
});
