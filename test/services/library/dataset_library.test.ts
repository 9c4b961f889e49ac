// Commands of datasets over stores in memory: preview and keep, rows as the model gets them, additions and refusals.
import { describe, expect, it } from 'vitest';
import { DataError, LookBackError, StorageError } from '../../../src/lib/errors';
import type { Loaded } from '../../../src/services/answers/engine';
import {
  DatasetLibrary,
  type DatasetLibraryParts,
  type DatasetRecords,
} from '../../../src/services/library/dataset_library';
import type { StoredRow } from '../../../src/storage/dataset_store';
import type { DatasetRecord } from '../../../src/storage/records';
import type { ImportProgress } from '../../../src/worker/protocol/library';

/** Size of a picture whose parts are all there and that does not decode. */
const BROKEN = 90;
/** A one-pixel picture. */
const PNG = Uint8Array.from(
  atob('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC'),
  (c) => c.charCodeAt(0),
);
const picture = () => new Blob([PNG], { type: 'image/png' });

function memoryDatasets() {
  const held = new Map<string, { record: DatasetRecord; rows: StoredRow[] }>();
  const of = (id: string) => {
    const found = held.get(id);
    if (!found) throw new StorageError('storage/missing', 'gone', { id });
    return found;
  };
  const recount = (id: string): DatasetRecord => {
    const found = of(id);
    const withResponse = found.rows.filter(({ response }) => response !== null).length;
    found.record = { ...found.record, rows: found.rows.length, withResponse, bytes: 100 * found.rows.length };
    return found.record;
  };
  const datasets: DatasetRecords = {
    list: async () => [...held.values()].map(({ record }) => record),
    create: async (dataset, rows) => {
      const kept: StoredRow[] = [];
      for await (const row of rows) kept.push(row);
      held.set(dataset.id, {
        record: { ...dataset, rows: 0, withResponse: 0, bytes: 0, complete: true },
        rows: kept,
      });
      return recount(dataset.id);
    },
    append: async (id, row) => {
      of(id).rows.push(row);
      return recount(id);
    },
    get: async (id) => of(id).record,
    readRow: async (id, index) => {
      const row = of(id).rows[index];
      if (!row) throw new StorageError('storage/missing', 'no row');
      return row;
    },
    delete: async (id) => {
      const bytes = held.get(id)?.record.bytes ?? 0;
      held.delete(id);
      return bytes;
    },
  };
  return { datasets, of };
}

const MODEL = {
  model: {
    prepare: ({ text, system, mode }: { text: string; system?: string | null; mode: string }) => ({
      prompt: { inputIds: [1, 9, 9, 9, 2, (system ?? '').length + text.length, mode.length], images: [] },
      imageTokens: 3,
      pictures: [{ resizedWidth: 28, resizedHeight: 56 }],
    }),
    processor: {
      tokenizer: {
        encodePlain: (text: string) => text.split(' ').map(Number),
        decode: (ids: number[]) => ids.join(' '),
        lookUpWords: (text: string) => text.split(' ').map((word) => ({ word, known: word !== 'Zebra?' })),
      },
    },
    model: { config: { imageTokenId: 9 } },
  },
} as unknown as Loaded;

function libraryOf(loaded: Loaded | undefined = MODEL) {
  const stores = memoryDatasets();
  let changes = 0;
  const progresses: ImportProgress[] = [];
  let ids = 0;
  const library = new DatasetLibrary({
    datasets: async () => stores.datasets,
    engine: { loaded },
    decodeImage: async (file) => {
      if (file.size === 0 || file.size === BROKEN) throw new DataError('data/image', 'does not decode');
      const pixels = { width: 1, height: 1, channels: 3, data: new Uint8Array(3) } as const;
      return { pixels, sourceWidth: 1, sourceHeight: 1, notes: [] };
    },
    liveRuns: {
      checkUnused: async ({ kind, id }) => {
        if (kind === 'dataset' && id === 'busy') throw new LookBackError('train/busy', 'a run reads it');
      },
    },
    changed: () => changes++,
    progressed: (progress) => progresses.push(progress),
    createId: () => `id-${++ids}`,
    date: () => 5,
  });
  return { library, ...stores, progresses, changes: () => changes };
}

function files(rows: readonly object[]) {
  const lines = rows.map((row) => JSON.stringify(row)).join('\n');
  return [
    { path: 'set/rows.jsonl', blob: new Blob([lines]) },
    { path: 'set/a.png', blob: picture() },
  ];
}

const ROWS = [
  { image: 'a.png', question: 'How many?', answer: '3', response: '<think> 3 </think>' },
  { image: 'a.png', question: 'Which?', answer: 'red' },
  { image: 'missing.png', question: 'What?', answer: '1' },
  { image: 'a.png', answer: '1' },
];

const GUESS = { mapping: null, split: null };
const ROW = { image: picture(), imageName: 'x.png', question: 'q', answer: 'a', response: null };

describe('importing', () => {
  it('previews with every problem, and keeps the usable rows', async () => {
    const { library, changes } = libraryOf();
    const preview = await library.previewDataset(files(ROWS), GUESS);
    expect(preview).toMatchObject({
      rows: 2,
      withResponse: 1,
      moreProblems: 0,
      mapping: { image: 'image', question: 'question', answer: 'answer', response: 'response' },
    });
    expect(preview.problems.map(({ row }) => row)).toEqual([3, 4]);
    expect(preview.sample.map(({ question }) => question)).toEqual(['How many?', 'Which?']);
    expect(preview.sample[0]?.image.size).toBe(PNG.length);
    expect(changes()).toBe(0);
    const kept = await library.keepDataset(preview.token, ' Mine ');
    const dataset = { id: 'id-2', name: 'Mine', rows: 2, withResponse: 1, bytes: 200, createdAt: 5 };
    expect(kept).toEqual({ dataset, problems: [] });
    expect(await library.listDatasets()).toEqual([dataset]);
    expect(changes()).toBe(1);
  });

  it('holds only the newest preview, once', async () => {
    const { library } = libraryOf();
    const old = await library.previewDataset(files(ROWS), GUESS);
    const { token } = await library.previewDataset(files(ROWS), GUESS);
    await expect(library.keepDataset(old.token, 'a')).rejects.toMatchObject({ code: 'data/preview' });
    await library.keepDataset(token, 'a');
    await expect(library.keepDataset(token, 'a')).rejects.toMatchObject({ code: 'data/preview' });
  });

  it('ends a preview that a newer one overtakes', async () => {
    const { library } = libraryOf();
    const old = library.previewDataset(files(ROWS), GUESS);
    const newer = library.previewDataset(files(ROWS), GUESS);
    await expect(old).rejects.toMatchObject({ code: 'data/cancelled' });
    expect((await newer).rows).toBe(2);
  });

  it('leaves out and lists pictures that do not decode, and tells how far it is', async () => {
    const { library, progresses } = libraryOf();
    const broken = new Uint8Array(BROKEN);
    broken.set(PNG.subarray(0, 41));
    // An IDAT of other bytes, and the end where it belongs.
    broken.set(PNG.subarray(-12), BROKEN - 12);
    new DataView(broken.buffer).setUint32(33, BROKEN - 12 - 45);
    const rows = [
      ...files([{ ...ROWS[1], image: 'b.png' }, ROWS[0]!]),
      { path: 'set/b.png', blob: new Blob([broken]) },
    ];
    const { token, rows: usable } = await library.previewDataset(rows, GUESS);
    expect(usable).toBe(2);
    const { dataset, problems } = await library.keepDataset(token, 'a');
    expect(dataset.rows).toBe(1);
    expect(problems).toEqual([
      { file: 'set/rows.jsonl', row: 1, reason: 'image "set/b.png": does not decode' },
    ]);
    expect(new Set(progresses.map(({ phase }) => phase))).toEqual(new Set(['table', 'images', 'storing']));
  });

  it('warns of words that the loaded model does not know', async () => {
    const { library } = libraryOf();
    const rows = files([{ ...ROWS[1], question: 'Zebra?' }]);
    const { warnings } = await library.previewDataset(rows, GUESS);
    expect(warnings.map(({ kind, row }) => [kind, row])).toEqual([
      ['unknown words', null],
      ['unknown words', 1],
    ]);
    expect(warnings[1]?.reason).toContain('100 % of the words of its question');
    expect(warnings[1]?.reason).toContain('"Zebra"');
  });

  it('tells the words of a stored dataset that the loaded model does not know', async () => {
    const { library } = libraryOf();
    const rows = files([ROWS[1]!, { ...ROWS[1], question: 'Zebra?' }]);
    const { token } = await library.previewDataset(rows, GUESS);
    const { dataset } = await library.keepDataset(token, 'Mine');
    const words = await library.checkDatasetWords(dataset.id);
    expect(words).toMatchObject({ more: 0, looked: 2, rows: 2 });
    expect(words.warnings.map(({ file, row }) => [file, row])).toEqual([
      ['Mine', null],
      ['Mine', 2],
    ]);
  });

  it('looks through a bounded number of rows, spread over the set, and ends for a newer question', async () => {
    const { library, datasets } = libraryOf();
    const rows = Array.from({ length: 5000 }, (_, i) => ({ ...ROW, question: i > 4990 ? 'Zebra?' : 'q' }));
    await datasets.create({ id: 'big', name: 'Big', createdAt: 1 }, rows);
    const old = library.checkDatasetWords('big');
    const words = await library.checkDatasetWords('big');
    await expect(old).rejects.toMatchObject({ code: 'data/cancelled' });
    expect(words).toMatchObject({ looked: 2000, rows: 5000 });
    // Positions 5000 i / 2000: 4992, 4995 and 4997 are Zebras, rows 4993, 4996 and 4998.
    expect(words.warnings.map(({ row }) => row)).toEqual([null, 4993, 4996, 4998]);
  });

  it('can be cancelled while reading and while storing', async () => {
    const { library } = libraryOf();
    const reading = library.previewDataset(files(ROWS), GUESS);
    await library.cancelImport();
    await expect(reading).rejects.toMatchObject({ code: 'data/cancelled' });
    const { token } = await library.previewDataset(files(ROWS), GUESS);
    const storing = library.keepDataset(token, 'a');
    await Promise.resolve();
    await library.cancelImport();
    await expect(storing).rejects.toMatchObject({ code: 'data/cancelled' });
    expect(await library.listDatasets()).toEqual([]);
    // What was previewed is still at hand.
    expect((await library.keepDataset(token, 'a')).dataset.rows).toBe(2);
  });

  it('keeps nothing without usable rows or a name', async () => {
    const { library } = libraryOf();
    const none = await library.previewDataset(files(ROWS.slice(2)), GUESS);
    await expect(library.keepDataset(none.token, 'a')).rejects.toMatchObject({ code: 'data/dataset-empty' });
    const some = await library.previewDataset(files(ROWS), GUESS);
    await expect(library.keepDataset(some.token, ' ')).rejects.toMatchObject({ code: 'usage/argument' });
    expect(await library.listDatasets()).toEqual([]);
  });
});

describe('rows', () => {
  async function kept() {
    const made = libraryOf();
    const { token } = await made.library.previewDataset(files(ROWS), GUESS);
    const { id } = (await made.library.keepDataset(token, 'set')).dataset;
    return { ...made, id };
  }

  it('are shown as the model gets them, image tokens shortened to one', async () => {
    const { library, id } = await kept();
    expect(await library.readDatasetRow(id, 0, 'cot')).toMatchObject({
      row: { question: 'How many?' },
      prompt: '1 9 2 9 3',
      promptTokens: 7,
      imageTokens: 3,
      resizedWidth: 28,
      resizedHeight: 56,
      responseTokens: 3,
    });
    expect((await library.readDatasetRow(id, 1, 'cot')).responseTokens).toBe(0);
    await expect(library.readDatasetRow(id, 2, 'cot')).rejects.toMatchObject({ code: 'storage/missing' });
  });

  it('need a model to be shown', async () => {
    const { library } = libraryOf();
    const bare = new DatasetLibrary({ engine: { loaded: undefined } } as unknown as DatasetLibraryParts);
    await expect(bare.readDatasetRow('a', 0, 'cot')).rejects.toMatchObject({ code: 'data/model' });
    await expect(bare.checkDatasetWords('a')).rejects.toMatchObject({ code: 'data/model' });
    await expect(library.readDatasetRow('none', 0, 'cot')).rejects.toMatchObject({ code: 'storage/missing' });
  });

  it('are read for training, with their pictures', async () => {
    const { library, id } = await kept();
    const rows = await library.rowSource(id);
    expect(rows.count).toBe(2);
    expect(await rows.read(1)).toMatchObject({
      question: 'Which?',
      answer: 'red',
      response: null,
      image: { width: 1 },
    });
    expect((await library.picture(id, 0)).type).toBe('image/png');
  });

  it('keep their other columns and their system text', async () => {
    const { library } = libraryOf();
    const level = { ...ROWS[0], level: 2, system: 'Be brief.' };
    const { token, sample } = await library.previewDataset(files([level]), GUESS);
    expect(sample[0]?.columns).toEqual({ level: 2 });
    const { id } = (await library.keepDataset(token, 'set')).dataset;
    const kept = { columns: { level: 2 }, system: 'Be brief.' };
    const view = await library.readDatasetRow(id, 0, 'cot');
    expect(view.row).toMatchObject(kept);
    // Nine characters of the question and as many of the system text.
    expect(view.prompt).toBe('1 9 2 18 3');
    expect(await (await library.rowSource(id)).read(0)).toMatchObject(kept);
  });

  it('are added to a set, or begin one', async () => {
    const { library, id, changes } = await kept();
    expect(await library.addToDataset(id, 'ignored', { ...ROW, response: 'r' })).toMatchObject({
      rows: 3,
      withResponse: 2,
      name: 'set',
    });
    expect(await library.addToDataset(null, 'New', ROW)).toMatchObject({ rows: 1, name: 'New' });
    expect(changes()).toBe(3);
  });

  it('that were made here keep where they come from', async () => {
    const { library, changes } = libraryOf();
    const origin = { kind: 'cold-start', modelId: 'm', fingerprint: 'f', from: null } as const;
    const made = async function* () {
      yield { ...ROW, response: 'r' };
    };
    const whole = { ...origin, settings: { seed: 1 }, counts: { examples: 1 } };
    const kept = await library.keepRows(' Mine ', made(), whole);
    expect(kept).toMatchObject({ name: 'Mine', rows: 1, withResponse: 1, origin: whole });
    expect(await library.listDatasets()).toEqual([kept]);
    expect(await library.rowCount(kept.id)).toBe(1);
    expect(await library.storedRow(kept.id, 0)).toMatchObject({ question: 'q', response: 'r' });
    expect(changes()).toBe(1);
    await expect(library.keepRows(' ', made(), whole)).rejects.toMatchObject({ code: 'usage/argument' });
  });

  it.each([
    ['no question', { question: ' ' }, 'usage/argument'],
    ['no answer', { answer: '' }, 'usage/argument'],
    ['a text without end', { response: 'x'.repeat(100_001) }, 'usage/argument'],
    ['a picture that is none', { image: new Blob([]) }, 'data/image'],
    ['no picture', { image: 'x' as unknown as Blob }, 'usage/argument'],
  ])('are refused with %s', async (_, change, code) => {
    const { library, changes } = libraryOf();
    await expect(library.addToDataset(null, 'a', { ...ROW, ...change })).rejects.toMatchObject({ code });
    expect(changes()).toBe(0);
  });

  it('go with their set, unless a run reads it', async () => {
    const { library, id } = await kept();
    await expect(library.deleteDataset('busy')).rejects.toMatchObject({ code: 'train/busy' });
    expect(await library.deleteDataset(id)).toBe(200);
    expect(await library.listDatasets()).toEqual([]);
  });
});
