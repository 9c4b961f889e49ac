// Models and adapters of the hub on disk, over a real HTTP server: fetched once, verified, gone on with, used offline.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseModelConfig } from '../../src/model/config';
import { readAdapter } from '../../tools/adapter_folder';
import { cacheFolder, hubRepository } from '../../tools/hub_cache';
import { findModel } from '../../tools/model_source';
import { loadFixture, loadFixtureJson } from '../harness/fixture';
import { COMMIT, startHub } from '../hub/hub_server';

const FOLDER = 'tiny-qwen2_5_vl';
const ID = 'tiny/model';
const MODEL = {
  'config.json': await loadFixture(`${FOLDER}/config.json`),
  'model.safetensors': await loadFixture(`${FOLDER}/model.safetensors`),
};
const ADAPTER = {
  'adapter_config.json': await loadFixture(`${FOLDER}/adapter/adapter_config.json`),
  'adapter_model.safetensors': await loadFixture(`${FOLDER}/adapter/adapter_model.safetensors`),
};
const hub = await startHub({
  [ID]: { ...MODEL, 'modeling.py': new Uint8Array(5) },
  'tiny/adapter': { ...ADAPTER, 'README.md': new Uint8Array(9) },
});
afterAll(() => hub.close());

const MAIN = { id: ID, revision: 'main' };
/** Ten pieces of the weights. */
const PIECE = 65_536;
const signal = () => new AbortController().signal;
let cache = '';
let said = '';

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'hub-cache-'));
  hub.requests.length = 0;
  hub.fault = () => null;
  hub.sentBytes = 0;
  hub.gated.clear();
  said = '';
  vi.stubEnv('LOOKBACK_CACHE', cache);
  vi.stubEnv('LOOKBACK_HUB', hub.endpoint.href);
  vi.stubEnv('LOOKBACK_ROOT', process.cwd());
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += text;
    return true;
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true });
});

describe('hubRepository', () => {
  it('fetches the files of a model once, and uses them without the hub from then on', async () => {
    const kept = await hubRepository('model', MAIN, signal());
    expect(kept).toMatchObject({
      id: ID,
      commit: COMMIT,
      folder: join(cache, `models/tiny~model@${COMMIT}`),
    });
    expect([...kept.files].sort()).toEqual(Object.keys(MODEL));
    for (const [name, bytes] of Object.entries(MODEL))
      expect(Buffer.compare(await readFile(join(kept.folder, name)), bytes)).toBe(0);
    expect(said).toMatch(/tiny\/model is not here: fetching.*100 % of /s);
    hub.requests.length = 0;
    expect(await hubRepository('model', MAIN, signal())).toEqual(kept);
    expect(await hubRepository('model', { id: ID, revision: COMMIT }, signal())).toEqual(kept);
    expect(hub.requests).toEqual([]);
  });

  it('goes on where it was cut off, and fetches nothing twice', async () => {
    const stop = new AbortController();
    const weights = MODEL['model.safetensors'].length;
    hub.fault = () => {
      if (hub.sentBytes > weights / 2) stop.abort();
      return null;
    };
    await expect(hubRepository('model', MAIN, stop.signal, PIECE)).rejects.toThrow();
    expect(hub.sentBytes).toBeLessThan(weights);
    hub.fault = () => null;
    const kept = await hubRepository('model', MAIN, signal(), PIECE);
    expect(
      Buffer.compare(await readFile(join(kept.folder, 'model.safetensors')), MODEL['model.safetensors']),
    ).toBe(0);
    // Of what was under way when it was cut off, up to six requests may be fetched again.
    const whole = weights + MODEL['config.json'].length;
    expect(hub.sentBytes).toBeLessThan(whole + 6 * PIECE);
    expect(await readdir(kept.folder)).not.toContain('lock');
  });

  it('keeps nothing that is not what the hub lists', async () => {
    hub.fault = (path) => (path === 'model.safetensors' ? 'altered-byte' : null);
    await expect(hubRepository('model', MAIN, signal())).rejects.toMatchObject({ code: 'model/integrity' });
    hub.fault = () => null;
    const kept = await hubRepository('model', MAIN, signal());
    expect(
      Buffer.compare(await readFile(join(kept.folder, 'model.safetensors')), MODEL['model.safetensors']),
    ).toBe(0);
  });

  it('gives way to a process that is fetching the same, not to one that has died', async () => {
    const { folder } = await hubRepository('model', MAIN, signal());
    await rm(join(folder, 'record.json'));
    await writeFile(join(folder, 'lock'), String(process.ppid));
    await expect(hubRepository('model', MAIN, signal())).rejects.toMatchObject({
      code: 'storage/model-busy',
    });
    // No process has a number beyond Linux's largest.
    await writeFile(join(folder, 'lock'), String(2 ** 22 + 1));
    expect((await hubRepository('model', MAIN, signal())).folder).toBe(folder);
  });

  it('names a file that was cut short on disk, and what to do', async () => {
    const { folder } = await hubRepository('model', MAIN, signal());
    await writeFile(join(folder, 'model.safetensors'), 'short');
    await expect(hubRepository('model', MAIN, signal())).rejects.toMatchObject({
      code: 'storage/model-damaged',
      message: expect.stringMatching(/model\.safetensors has 5 bytes instead of \d+: delete the folder/),
    });
  });

  it('sends a token to the hub that it is for', async () => {
    hub.gated.set(ID, 'secret');
    vi.stubEnv('HF_TOKEN', 'secret');
    await expect(hubRepository('model', MAIN, signal())).rejects.toMatchObject({ code: 'model/hub-gated' });
    expect(hub.requests.some(({ token }) => token)).toBe(false);
    vi.stubEnv('LOOKBACK_HUB_TOKEN', 'secret');
    expect((await hubRepository('model', MAIN, signal())).commit).toBe(COMMIT);
  });
});

describe('what a command line is given', () => {
  it('is a model of the hub where it is no folder and no built-in model', async () => {
    const { id, files, names, builtIn } = await findModel(`${ID}@main`);
    expect([id, builtIn, names?.length]).toEqual([ID, false, 2]);
    const source = await files.open('config.json');
    expect(
      Buffer.compare((await source?.read(0, source.size)) ?? new Uint8Array(), MODEL['config.json']),
    ).toBe(0);
    await expect(findModel('no/where')).rejects.toMatchObject({ code: 'model/hub-missing' });
    await expect(findModel('tiny/adapter')).rejects.toMatchObject({
      code: 'model/files',
      message: expect.stringContaining('no weights'),
    });
  });

  it('is an adapter of the hub where it is no folder and no zip', async () => {
    const spec = parseModelConfig(await loadFixtureJson(`${FOLDER}/config.json`));
    const local = await readAdapter(join(process.cwd(), 'test/fixtures', FOLDER, 'adapter'), spec);
    expect(await readAdapter('tiny/adapter', spec)).toEqual(local);
    hub.requests.length = 0;
    expect(await readAdapter('tiny/adapter@main', spec)).toEqual(local);
    expect(hub.requests).toEqual([]);
    await expect(readAdapter(ID, spec)).rejects.toMatchObject({
      code: 'model/adapter',
      message: expect.stringContaining('no adapter_config.json'),
    });
  });
});

describe('names and places', () => {
  it('keeps downloads where the user says', () => {
    expect(cacheFolder()).toBe(cache);
    vi.stubEnv('LOOKBACK_CACHE', '');
    vi.stubEnv('XDG_CACHE_HOME', '/caches');
    expect(cacheFolder()).toBe('/caches/look-back');
  });
});
