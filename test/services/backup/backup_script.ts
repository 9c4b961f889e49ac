// What a person may have made, as the stores write it: one item of every kind that refers to the others, and a host over a
// store in memory for tests in Node, which has no IndexedDB.

import { encode } from 'fast-png';
import { base64Of } from '../../../src/lib/base64';
import type { SceneOutcome } from '../../../src/lookback/evaluation';
import { BackupHost, type BackupParts } from '../../../src/services/backup/backup_host';
import { COLD_START_SETTINGS } from '../../../src/settings/cold_start_settings';
import { EVALUATION_PAGE_SETTINGS } from '../../../src/settings/evaluation_settings';
import { defaultsOf } from '../../../src/settings/read_settings';
import { PRESETS } from '../../../src/state/train_presets';
import type { Items, NewItem, NewPart } from '../../../src/storage/item_store';
import { ITEM_KINDS, ITEM_TABLES, type MadeKind, type PlainRecord } from '../../../src/storage/item_tables';
import type { BackupProgress } from '../../../src/worker/protocol/backup';
import type { StoredModel } from '../../../src/worker/protocol/models';
import { GROUP, sampleOf } from '../../state/train_script';

export const PRINT = 'ab'.repeat(32);

const LORA = {
  ...{ r: 1, loraAlpha: 2, loraDropout: 0, useRslora: false },
  ...{ baseModel: 'pocket', targetModules: ['q_proj'] },
};
/** Bytes that no text is made of, above what stands in JSON. */
const noise = (length: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, (_, i) => (i * i * 31) % 251);
const floats = (scale: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: 128 }, (_, i) => scale * i);

export const ADAPTER = {
  ...{
    id: 'adapter-1',
    name: 'Looks twice',
    notes: 'Mine.\n"Quoted"',
    modelId: 'pocket',
    fingerprint: PRINT,
  },
  ...{ precision: 'f32' as const, config: LORA, targetModules: ['model.layers.0.self_attn.q_proj'] },
  ...{ parameters: 7, createdAt: 5, run: { id: 'run-1', method: 'grpo' as const, step: 2 } },
  metrics: { reward: 0.5, kl: Number.NaN },
};
export const WEIGHTS = noise(70_000);

export const DATASET = { id: 'dataset-1', name: 'Mine / ../ here', createdAt: 7 };
/** A PNG of so many pixels a side. */
const picture = (side: number): Blob => {
  const data = Uint8Array.from({ length: 3 * side * side }, (_, i) => (i * 31) % 251);
  return new Blob([new Uint8Array(encode({ width: side, height: side, data, channels: 3 }))], {
    type: 'image/png',
  });
};
export const ROWS = [1, 8, 3].map((side, at) => ({
  image: picture(side),
  ...{ imageName: `p/${at}.png`, question: `how many ${at} ?`, answer: `${at}` },
  response: at === 1 ? '<think> one </think> \\boxed{ 1 }' : null,
  // Sets of before rows had columns have none.
  ...(at === 0 ? { system: 'Be brief.' } : {}),
  ...(at === 2 ? {} : { columns: { level: at, images: ['other.png'], question: { en: 'x' } } }),
}));

export const RUN = {
  ...{ id: 'run-1', state: 'paused' as const, createdAt: 3 },
  plan: {
    ...PRESETS['grpo-quick'],
    ...{ adapterId: 'adapter-1', source: { kind: 'dataset' as const, datasetId: 'dataset-1' } },
  },
};
export const CHECKPOINT = {
  ...{ step: 2, adapter: floats(1), m: floats(-0), v: floats(Number.NaN) },
  best: { step: 1, metric: 'loss', value: 0.5, adapter: floats(5) } as const,
  extra: {
    ...{ device: 'a device', profile: '["p"]', modelId: 'pocket', fingerprint: PRINT, precision: null },
    ...{ config: LORA, modules: [{ module: 'model.layers.0.self_attn.q_proj', shape: [4, 3] as const }] },
    start: {
      config: LORA,
      weights: [
        { module: 'model.layers.0.self_attn.q_proj', a: floats(2).slice(0, 3), b: floats(3).slice(0, 4) },
      ],
    },
  },
};
export const GROUPS = [{ ...GROUP, image: new Blob([noise(70_000)], { type: 'image/png' }) }];
export const SAMPLES = [sampleOf(true)];

export const OUTCOME: SceneOutcome = {
  ...{
    index: 0,
    kind: 'count',
    question: 'q',
    expected: '1',
    answer: null,
    correct: false,
    firstCorrect: null,
  },
  ...{
    triggered: true,
    emptyBack: false,
    genuineScan: false,
    format: 'back',
    length: 3,
    finishReason: 'eos',
  },
  ...{ promptTokens: 9, flops: 1e9, backAt: 1, shares: [0.1, null, 0.5], text: '<back> a </back>' },
  attention: { early: 0.1, late: null, inBack: 0.5, backPeak: 0.5, afterBack: null },
};
export const EVALUATION = {
  ...{ id: 'evaluation-1', modelId: 'pocket', fingerprint: PRINT, device: 'a device', createdAt: 8 },
  plan: {
    ...defaultsOf(EVALUATION_PAGE_SETTINGS),
    ...{ count: 2, source: { kind: 'dataset' as const, datasetId: 'dataset-1', name: 'Mine' } },
    sides: [
      {
        adapter: { id: 'adapter-1', name: 'Looks twice', strength: 1 },
        mode: 'solution' as const,
        look: 'neutral',
      },
    ],
  },
};

export const COLD_START = {
  ...{ id: 'cold-1', modelId: 'pocket', fingerprint: PRINT, createdAt: 9 },
  plan: {
    ...defaultsOf(COLD_START_SETTINGS),
    source: { kind: 'shapes_world' as const },
    ...{ writer: { id: 'adapter-1', name: 'Looks twice' }, writerModel: { id: 'org/other', name: 'Other' } },
    writerFingerprints: { 'org/other': PRINT },
  },
};
export const TEXTS = [{ problemId: '7', opening: null, texts: ['<think> a </think>'] }];

export const TRACE = {
  ...{ id: 'trace-1', name: 'How many?', model: 'Pocket', adapter: null, origin: 'here' as const },
  ...{ createdAt: 10, usedAt: 11 },
};
export const TRACE_FILE = new Blob(['{"format":"look-back trace"}']);

/** Items in Maps. It does what the real store promises, and can be told to refuse parts. */
export class MemoryItems implements Items {
  readonly records = new Map<string, PlainRecord>();
  readonly #parts = new Map<string, PlainRecord[]>();
  refuse: (part: NewPart) => void = () => undefined;

  /** Everything, for comparisons. */
  get held(): unknown {
    return [this.records, this.#parts];
  }

  put(kind: MadeKind, record: PlainRecord, parts: Readonly<Record<string, readonly object[]>>): void {
    this.records.set(`${kind} ${record.id}`, record);
    for (const { store, owner } of ITEM_TABLES[kind].parts) {
      const rows = (parts[store] ?? []).map((row) => ({ ...row, [owner]: record.id }));
      if (rows.length > 0) this.#parts.set(`${store} ${record.id}`, rows);
    }
  }

  async ids(kind: MadeKind) {
    return [...this.records.keys()].flatMap((key) =>
      key.startsWith(`${kind} `) ? [key.slice(kind.length + 1)] : [],
    );
  }

  async record(kind: MadeKind, id: string) {
    return this.records.get(`${kind} ${id}`) ?? null;
  }

  async *parts(store: NewPart['store'], id: string) {
    yield* this.#parts.get(`${store} ${id}`) ?? [];
  }

  async write({ kind, id, parts, record }: NewItem, signal: AbortSignal) {
    const made = new Map<string, PlainRecord[]>();
    for await (const part of parts) {
      signal.throwIfAborted();
      this.refuse(part);
      made.set(`${part.store} ${id}`, [...(made.get(`${part.store} ${id}`) ?? []), part.value]);
    }
    this.records.set(`${kind} ${id}`, record(1));
    for (const [key, rows] of made) this.#parts.set(key, rows);
  }

  exclusively<T>(body: () => Promise<T>): Promise<T | null> {
    return body();
  }
}

/** A store in memory with one item of every kind. */
export async function filledItems(): Promise<MemoryItems> {
  const items = new MemoryItems();
  const images = await Promise.all(
    ROWS.map(async ({ image, ...row }, index) => {
      return { ...row, index, mimeType: image.type, image: await image.arrayBuffer() };
    }),
  );
  const derived = { bytes: 9 };
  items.put(
    'dataset',
    { ...DATASET, ...derived, rows: 3, withResponse: 1, complete: true },
    { rows: images },
  );
  items.put(
    'adapter',
    { ...ADAPTER, ...derived, bundled: false },
    { adapterWeights: [{ weights: WEIGHTS }] },
  );
  const run = {
    step: 2,
    checkpointStep: 2,
    updatedAt: 4,
    adapterId: 'adapter-1',
    reason: null,
    notes: 'As expected.',
    best: { step: 1, metric: 'loss', value: 0.5 },
    groupBytes: 1,
  };
  items.put(
    'run',
    { ...RUN, ...run, ...derived },
    {
      checkpoints: [{ ...CHECKPOINT, ...derived }],
      metrics: [1, 2].map((step) => ({
        step,
        values: { loss: 1 / step, 'odd/name': Number.POSITIVE_INFINITY },
        ...derived,
      })),
      samples: [{ step: 2, samples: SAMPLES, ...derived }],
      groupSteps: [{ step: 2, groups: GROUPS, ...derived }],
    },
  );
  items.put(
    'evaluation',
    { ...EVALUATION, ...derived, done: [2], seconds: [1.5], revision: 2 },
    { evaluationOutcomes: [OUTCOME, null].map((outcome, index) => ({ side: 0, index, outcome })) },
  );
  items.put(
    'coldStart',
    { ...COLD_START, ...derived, revision: 1, savedAs: null },
    {
      coldStartTexts: ['rollouts', 'model:org/other'].flatMap((stage) =>
        TEXTS.map((row) => ({ stage, ...row })),
      ),
    },
  );
  items.put('trace', { ...TRACE, ...derived }, { traceFiles: [{ file: await TRACE_FILE.arrayBuffer() }] });
  return items;
}

/** What of two stores has to be equal after a round trip: everything but what counts bytes and writes. */
export async function contents(items: Items): Promise<unknown> {
  const all: unknown[] = [];
  for (const kind of ITEM_KINDS) {
    for (const id of await items.ids(kind)) {
      const { bytes: _, groupBytes: __, revision: ___, ...record } = (await items.record(kind, id)) ?? {};
      const parts: unknown[] = [];
      for (const { store } of ITEM_TABLES[kind].parts) {
        for await (const { bytes: ____, ...part } of items.parts(store, id))
          parts.push(store, await plain(part));
      }
      all.push({ kind, record, parts });
    }
  }
  return all;
}

/** A value with its bytes as text, which is compared in a moment. */
async function plain(value: unknown): Promise<unknown> {
  if (value instanceof Blob)
    return { type: value.type, bytes: base64Of(new Uint8Array(await value.arrayBuffer())) };
  if (value instanceof ArrayBuffer) return base64Of(new Uint8Array(value));
  if (ArrayBuffer.isView(value))
    return [
      value.constructor.name,
      base64Of(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)),
    ];
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return Promise.all(value.map(plain));
  return Object.fromEntries(
    await Promise.all(Object.entries(value).map(async ([key, item]) => [key, await plain(item)])),
  );
}

/** A file in memory that is whole when it is closed, as those of the browser are. */
export function memoryFile(name = 'backup.zip') {
  let held = new File([], name);
  const pieces: number[] = [];
  const createWritable = async () => {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    return new WritableStream<Uint8Array<ArrayBuffer>>({
      write: (piece) => {
        pieces.push(piece.length);
        parts.push(piece.slice());
      },
      close: () => {
        held = new File(parts, name);
      },
    });
  };
  return { pieces, createWritable: createWritable as never, getFile: async () => held };
}

/** A host over some items, with what it reported. */
export function hostOf(items: Items, change: Partial<BackupParts> = {}) {
  const told: BackupProgress[] = [];
  const changed: string[] = [];
  const model: StoredModel = {
    ...{ key: 'k', id: 'org/model', revision: 'main', commit: 'c0ffee', bytes: 1, whole: true },
    ...{ storedAt: 1, lastUse: null },
  };
  const file = memoryFile();
  const host = new BackupHost({
    items,
    models: { listStoredModels: async () => [model] },
    scratchFile: async () => file,
    persist: async () => true,
    changed: (store) => changed.push(store),
    progressed: (progress) => told.push(progress),
    date: () => Date.UTC(2026, 0, 2),
    ...change,
  });
  return { host, told, changed, file };
}

/** The zip of all items. */
export async function backupOf(items: Items, settings: Readonly<Record<string, string>> = {}): Promise<File> {
  const { file } = await hostOf(items).host.writeBackup(settings, null);
  if (file === null) throw new Error('no file');
  return file;
}
