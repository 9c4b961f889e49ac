// Commands of adapters over stores in memory and the tiny model's real shapes: save, rename, out and in again, refusals.
import { unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { LookBackError } from '../../../src/lib/errors';
import { loraWeightsOf, shapedModules } from '../../../src/model/lora';
import { writeAdapterConfig, writeAdapterWeights } from '../../../src/model/peft';
import type { WeightPrecision } from '../../../src/model/weight_layout';
import type { CheckpointBase } from '../../../src/services/answers/checkpoint_base';
import { AdapterLibrary, type AdapterLibraryParts } from '../../../src/services/library/adapter_library';
import { packAdapter, unpackAdapter } from '../../../src/storage/adapter_archive';
import type { AdapterSummary } from '../../../src/worker/protocol/library';
import { memoryRuns } from '../training/memory_runs';
import { PLAN } from '../training/training_script';
import { memoryAdapters, PRINT, peftPair, tinyLoaded } from './library_script';

const BUNDLED: AdapterSummary = {
  ...{ id: 'bundled', name: 'Came along', notes: '', modelId: 'tiny', fingerprint: PRINT, bundled: true },
  ...{ precision: null, caution: null },
  ...{ r: 4, loraAlpha: 8, targetModules: [], parameters: 1, bytes: 1, createdAt: 0, run: null, metrics: {} },
};

/** A zip as it is handed over. */
const zipped = (blob: Blob) => [{ path: 'a.zip', blob }];

async function libraryOf(
  options: {
    bundled?: AdapterSummary;
    unloaded?: boolean;
    fingerprint?: string;
    used?: string;
    precision?: WeightPrecision;
    id?: string;
    fetchAdapter?: AdapterLibraryParts['fetchAdapter'];
  } = {},
) {
  const tiny = await tinyLoaded();
  const { entry, model } = tiny;
  const { config, parameterCount } = model.model;
  const loaded = {
    ...tiny,
    entry: { ...entry, id: options.id ?? entry.id },
    model: { ...model, model: { config, parameterCount, precision: options.precision ?? 'f32' } },
  };
  const stores = memoryRuns();
  const pair = await peftPair();
  const told = { persisted: 0, changed: [] as string[] };
  let ids = 0;
  const library = new AdapterLibrary({
    adapters: memoryAdapters(),
    bundled: {
      list: async () => (options.bundled ? [options.bundled] : []),
      open: async (id) => (id === options.bundled?.id ? pair : null),
    },
    runs: stores.runs,
    engine: { loaded: options.unloaded ? undefined : loaded },
    fingerprintOf: async () => options.fingerprint ?? PRINT,
    persist: async () => void told.persisted++,
    changed: (store) => told.changed.push(store),
    liveRuns: {
      checkUnused: async ({ kind, id }) => {
        if (kind === 'adapter' && id === options.used)
          throw new LookBackError('train/busy', 'A run continues it.');
      },
    },
    fetchAdapter: options.fetchAdapter ?? (() => Promise.reject(new Error('no hub here'))),
    commitOf: async (id, print) => (id === 'tiny' && print === PRINT ? 'c0ffee' : null),
    createId: () => `adapter-${++ids}`,
    date: () => 7,
  });
  return { library, loaded, stores, told, pair };
}

/** A run with a checkpoint of two modules, whose arena counts up. */
async function trained(made: Awaited<ReturnType<typeof libraryOf>>) {
  const { runs } = made.stores;
  const names = [0, 1].map((layer) => `model.language_model.layers.${layer}.self_attn.q_proj`);
  const modules = shapedModules(names, made.loaded.config);
  const config = { r: 2, loraAlpha: 4, loraDropout: 0.1, useRslora: false, baseModel: 'tiny' };
  const base: CheckpointBase = {
    ...{
      device: 'd',
      profile: 'p',
      modelId: 'tiny',
      fingerprint: PRINT,
      precision: 'int4',
      modules,
      start: null,
    },
    config: { ...config, targetModules: '.*q_proj' },
  };
  const padded = (count: number) => Math.ceil((count * 4) / 256) * 64;
  const count = modules.reduce(
    (sum, { shape: [out, width] }) => sum + padded(2 * width) + padded(2 * out),
    0,
  );
  const adapter = Float32Array.from({ length: count }, (_, at) => at / 8);
  await runs.create({ id: 'run', plan: { ...PLAN, name: 'My run' }, state: 'running', createdAt: 1 });
  for (const step of [1, 2, 3])
    await runs.saveProgress({ runId: 'run', step, metrics: { loss: step }, at: 2 });
  const moments = { m: new Float32Array(count), v: new Float32Array(count) };
  const best = { step: 1, metric: 'accuracy', value: 0.5, adapter: adapter.map((value) => -value) } as const;
  const save = (evaluated = false) => {
    const kept = evaluated ? best : null;
    return runs.saveCheckpoint('run', { step: 2, adapter, ...moments, best: kept, extra: base });
  };
  return { adapter, names, save };
}

describe('saving from a run', () => {
  it('takes the checkpoint of the best evaluation where that is asked for', async () => {
    const made = await libraryOf({});
    const { save, adapter, names } = await trained(made);
    await save();
    await expect(made.library.saveAdapter('run', 'x', 'best')).rejects.toMatchObject({
      ...{ code: 'adapter/no-checkpoint', message: expect.stringContaining('not evaluated') },
    });
    await save(true);
    const saved = await made.library.saveAdapter('run', 'Best', 'best');
    expect(saved).toMatchObject({ run: { step: 1 }, metrics: { loss: 1 } });
    const { weights } = await made.library.startOf(saved.id, made.loaded);
    const [first] = weights;
    expect(first?.module).toBe(names[0]);
    expect([...(first?.a ?? [])]).toEqual([...adapter.subarray(0, first?.a.length)].map((value) => -value));
  });

  it('cuts the adapter out of the last checkpoint, with what made it', async () => {
    const made = await libraryOf({ unloaded: true });
    const { adapter, names, save } = await trained(made);
    await expect(made.library.saveAdapter('run', 'x')).rejects.toMatchObject({
      code: 'adapter/no-checkpoint',
    });
    await save();
    await made.stores.runs.saveProgress({ runId: 'run', step: 3, metrics: { loss: 9 }, at: 3 });
    const saved = await made.library.saveAdapter('run', ' Mine ');
    expect(saved).toMatchObject({
      ...{
        id: 'adapter-1',
        name: 'Mine',
        modelId: 'tiny',
        fingerprint: PRINT,
        bundled: false,
        r: 2,
        loraAlpha: 4,
      },
      ...{
        targetModules: names,
        createdAt: 7,
        run: { id: 'run', method: 'sft', step: 2 },
        metrics: { loss: 2 },
      },
    });
    expect(made.told).toMatchObject({ persisted: 1, changed: ['adapters', 'runs'] });
    expect((await made.stores.runs.read('run')).run.adapterId).toBe('adapter-1');

    const loaded = await tinyLoaded();
    const { weights } = await made.library.startOf('adapter-1', loaded);
    expect(weights).toEqual(loraWeightsOf(adapter, { r: 2 }, shapedModules(names, loaded.config)));
    await made.library.saveAdapter('run', 'Again');
    expect(made.told.persisted).toBe(1);
    expect((await made.library.listAdapters()).map(({ name }) => name)).toEqual(['Again', 'Mine']);
  });
});

describe('export and import', () => {
  it('gives back the same adapter, with the base that it is for', async () => {
    const made = await libraryOf();
    const { save } = await trained(made);
    await save();
    await made.library.saveAdapter('run', 'Mine');
    const zip = await made.library.exportAdapter('adapter-1');
    const { config } = await unpackAdapter(zip, 'zip');
    expect(JSON.parse(new TextDecoder().decode(config))).toMatchObject({
      ...{ peft_type: 'LORA', r: 2, lora_alpha: 4, lora_dropout: 0.1, lookback_base_sha256: PRINT },
      lookback_base_precision: 'int4',
    });
    expect(await made.library.deleteAdapter('adapter-1')).toBeGreaterThan(0);
    await expect(made.library.exportAdapter('adapter-1')).rejects.toMatchObject({ code: 'storage/missing' });
    const back = await made.library.importAdapter(zipped(zip), 'Back');
    expect(back).toMatchObject({
      id: 'adapter-2',
      name: 'Back',
      r: 2,
      fingerprint: PRINT,
      precision: 'int4',
      run: null,
      notes: 'Imported.',
    });
    expect(await unpackAdapter(await made.library.exportAdapter('adapter-2'), 'again')).toEqual(
      await unpackAdapter(zip, 'zip'),
    );
  });

  it('says when the loaded model is kept in another precision than an adapter was trained over', async () => {
    const caution = async (precision: WeightPrecision, id = 'tiny') => {
      const made = await libraryOf({ bundled: BUNDLED, precision, id });
      await (await trained(made)).save();
      const saved = await made.library.saveAdapter('run', 'Mine');
      const [bundled, listed] = await made.library.listAdapters();
      expect(bundled?.caution).toBeNull();
      expect(listed).toEqual(saved);
      return saved.caution;
    };
    expect(await caution('int4')).toBeNull();
    expect(await caution('int8')).toMatch(
      /trained over weights of 4 bits \(int4\) and is used over .* \(int8\)/,
    );
    expect(await caution('stored')).toMatch(/Load the model in int4/);
    // Of a model that is not loaded there is nothing to say.
    expect(await caution('int8', 'other')).toBeNull();
  });

  it('puts a card beside the pair, with base, commit, method and metrics', async () => {
    const made = await libraryOf();
    const { save } = await trained(made);
    await save();
    await made.library.saveAdapter('run', 'Mine');
    const zip = await made.library.exportAdapter('adapter-1');
    const files = unzipSync(new Uint8Array(await zip.arrayBuffer()));
    expect(Object.keys(files).sort()).toEqual([
      'README.md',
      'adapter_config.json',
      'adapter_model.safetensors',
    ]);
    const card = new TextDecoder().decode(files['README.md']);
    for (const part of [
      '# Mine',
      PRINT,
      '`c0ffee`',
      '| rank, alpha | 2, 4 |',
      '| modules | 2: q\\_proj |',
      'PeftModel',
    ])
      expect(card).toContain(part);
  });

  it('takes an adapter of the hub as any other, and says where it came from', async () => {
    const asked: unknown[] = [];
    const { library, pair } = await libraryOf({
      fetchAdapter: async (id, revision) => {
        asked.push([id, revision]);
        const blobs = { 'adapter_config.json': pair.config, 'adapter_model.safetensors': pair.weights };
        const files = Object.entries(blobs).map(([name, bytes]) => ({
          path: `n/${name}`,
          blob: new Blob([bytes]),
        }));
        return { files, commit: 'c0ffee' };
      },
    });
    const got = await library.importHubAdapter('org/n', 'main');
    expect(asked).toEqual([['org/n', 'main']]);
    expect(got).toMatchObject({
      name: 'org/n',
      modelId: 'tiny',
      notes: expect.stringMatching(/^From org\/n of the hub, c0ffee\. It does not say/),
    });
  });

  it('fetches one adapter at a time, ends it when asked, and nothing before a model is loaded', async () => {
    const fetchAdapter: AdapterLibraryParts['fetchAdapter'] = (_, __, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const { library } = await libraryOf({ fetchAdapter });
    const first = library.importHubAdapter('org/n', 'main');
    await expect(library.importHubAdapter('org/m', 'main')).rejects.toMatchObject({
      code: 'model/download-busy',
    });
    await library.cancelHubAdapter();
    await expect(first).rejects.toMatchObject({ code: 'adapter/cancelled' });
    const empty = await libraryOf({ unloaded: true, fetchAdapter });
    await expect(empty.library.importHubAdapter('org/n', 'main')).rejects.toMatchObject({
      code: 'adapter/base',
    });
  });

  it("takes PEFT's own adapter when every tensor fits, and says what it does not say", async () => {
    const { library, pair, loaded } = await libraryOf();
    const imported = await library.importAdapter(zipped(new Blob([packAdapter(pair)])), 'From PEFT');
    expect(imported).toMatchObject({ r: 4, loraAlpha: 8, modelId: 'tiny', fingerprint: PRINT });
    expect(imported.notes).toMatch(/does not say/);
    expect(imported.parameters).toBeGreaterThan(0);
    expect((await library.startOf(imported.id, loaded)).weights.length).toBe(imported.targetModules.length);
  });

  it('refuses what was made for other weights, and what fits no tensor', async () => {
    const { library, loaded, pair } = await libraryOf();
    const other = JSON.parse(new TextDecoder().decode(pair.config)) as Record<string, unknown>;
    const config = new TextEncoder().encode(
      JSON.stringify({ ...other, lookback_base_sha256: 'cd'.repeat(32) }),
    );
    await expect(
      library.importAdapter(zipped(new Blob([packAdapter({ ...pair, config })])), 'x'),
    ).rejects.toMatchObject({ code: 'adapter/base' });
    const module = 'model.language_model.layers.0.self_attn.q_proj';
    const wrong = writeAdapterWeights([{ module, a: new Float32Array(6), b: new Float32Array(6) }], { r: 2 });
    const shape = { r: 2, loraAlpha: 4, loraDropout: 0, useRslora: false, baseModel: '' };
    const text = writeAdapterConfig({ ...shape, targetModules: '.*' }, [module]);
    const misfit = packAdapter({ config: new TextEncoder().encode(text), weights: wrong });
    await expect(library.importAdapter(zipped(new Blob([misfit])), 'x')).rejects.toMatchObject({
      code: 'model/adapter',
    });
    const named = JSON.parse(text) as Record<string, unknown>;
    const elsewhere = new TextEncoder().encode(
      JSON.stringify({ ...named, base_model_name_or_path: 'org/large' }),
    );
    await expect(
      library.importAdapter(zipped(new Blob([packAdapter({ config: elsewhere, weights: wrong })])), 'x'),
    ).rejects.toMatchObject({
      code: 'adapter/base',
      message: expect.stringMatching(
        /made for the model "org\/large", and it does not fit .* loaded: .*q_proj/,
      ),
    });
    const [out, width] = shapedModules([module], loaded.config)[0]?.shape ?? [0, 0];
    const b = new Float32Array(out * 2).fill(Number.NaN);
    const nan = writeAdapterWeights([{ module, a: new Float32Array(2 * width), b }], { r: 2 });
    const broken = packAdapter({ config: new TextEncoder().encode(text), weights: nan });
    await expect(library.importAdapter(zipped(new Blob([broken])), 'x')).rejects.toThrow(/not finite/);
    const noJson = packAdapter({ config: new TextEncoder().encode('{'), weights: nan });
    await expect(library.importAdapter(zipped(new Blob([noJson])), 'x')).rejects.toThrow(/not valid JSON/);
    expect(await library.listAdapters()).toEqual([]);
  });

  it('needs the model, and a name', async () => {
    const { library } = await libraryOf({ unloaded: true });
    await expect(library.importAdapter(zipped(new Blob([])), 'x')).rejects.toMatchObject({
      code: 'adapter/base',
    });
    await expect(library.importAdapter(zipped(new Blob([])), ' ')).rejects.toMatchObject({
      code: 'usage/argument',
    });
  });
});

describe('applying', () => {
  it('is refused on another base, with the reason', async () => {
    const { library, loaded } = await libraryOf({ bundled: BUNDLED, fingerprint: 'ef'.repeat(32) });
    await expect(library.startOf('bundled', loaded)).rejects.toMatchObject({
      code: 'adapter/base',
      message: expect.stringMatching(/other weights/),
    });
    const other = await libraryOf({
      bundled: { ...BUNDLED, modelId: 'large' },
      fingerprint: 'ef'.repeat(32),
    });
    await expect(other.library.startOf('bundled', loaded)).rejects.toThrow(/made for the model "large"/);
  });
});

describe('bundled adapters', () => {
  it('come first, are used and exported, and stay as they are', async () => {
    const { library, loaded, pair } = await libraryOf({ bundled: BUNDLED });
    await library.importAdapter(zipped(new Blob([packAdapter(pair)])), 'Mine');
    expect((await library.listAdapters()).map(({ name }) => name)).toEqual(['Came along', 'Mine']);
    expect((await library.startOf('bundled', loaded)).config.r).toBe(4);
    const { config } = await unpackAdapter(await library.exportAdapter('bundled'), 'out.zip');
    expect(JSON.parse(new TextDecoder().decode(config))).toMatchObject({ r: 4, lookback_base_sha256: PRINT });
    const change = { name: 'x', notes: '' };
    await expect(library.renameAdapter('bundled', change)).rejects.toMatchObject({ code: 'usage/argument' });
    await expect(library.deleteAdapter('bundled')).rejects.toMatchObject({ code: 'usage/argument' });
  });
});

describe('deleting', () => {
  it('is refused while a run continues the adapter', async () => {
    const { library, pair } = await libraryOf({ used: 'adapter-1' });
    const { id } = await library.importAdapter(zipped(new Blob([packAdapter(pair)])), 'Mine');
    await expect(library.deleteAdapter(id)).rejects.toMatchObject({ code: 'train/busy' });
    expect(await library.listAdapters()).toHaveLength(1);
    expect(await library.has(id)).toBe(true);
  });
});

describe('renaming', () => {
  it('changes name and notes within bounds', async () => {
    const { library, pair, told } = await libraryOf();
    const { id } = await library.importAdapter(zipped(new Blob([packAdapter(pair)])), 'Mine');
    await library.renameAdapter(id, { name: ' Yours ', notes: ' good ' });
    expect(await library.listAdapters()).toMatchObject([{ name: 'Yours', notes: 'good' }]);
    expect(told.changed).toEqual(['adapters', 'adapters']);
    await expect(library.renameAdapter(id, { name: '', notes: '' })).rejects.toMatchObject({
      code: 'usage/argument',
    });
    const endless = { name: 'a', notes: 'x'.repeat(20_001) };
    await expect(library.renameAdapter(id, endless)).rejects.toMatchObject({ code: 'usage/argument' });
  });
});
