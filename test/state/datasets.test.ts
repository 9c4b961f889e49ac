// Importing over an engine moved by hand: previews that overtake each other, mapping, consent, keeping; and browsing.
import { describe, expect, it } from 'vitest';
import { createDatasets, suggestName } from '../../src/state/datasets';
import { createLibrary } from '../../src/state/library';
import type {
  DatasetPreview,
  DatasetRowView,
  DatasetSummary,
  KeptDataset,
  NamedFile,
} from '../../src/worker/protocol/library';
import { HandEngine } from './engine_script';

const tick = () => new Promise((done) => setTimeout(done));
const file = (path: string): NamedFile => ({ path, blob: new Blob(['x']) });

const PREVIEW: DatasetPreview = {
  token: 't1',
  columns: ['image', 'q', 'a'],
  mapping: { image: 'image', question: 'q', answer: 'a', response: null, system: null, options: [] },
  rows: 98,
  withResponse: 0,
  problems: [
    { file: 'd.jsonl', row: 3, reason: 'no image' },
    { file: 'd.jsonl', row: 7, reason: 'empty question' },
  ],
  moreProblems: 0,
  warnings: [],
  moreWarnings: 0,
  splits: [],
  split: 'd.jsonl',
  sample: [],
};
const DATASET: DatasetSummary = { id: 'd1', name: 'd', rows: 98, withResponse: 0, bytes: 9, createdAt: 0 };
const KEPT: KeptDataset = { dataset: DATASET, problems: [] };

function setUp() {
  const engine = new HandEngine();
  return { engine, datasets: createDatasets(engine, createLibrary(engine)) };
}

async function previewed() {
  const { engine, datasets } = setUp();
  void datasets.take([file('d.jsonl'), file('1.png')]);
  await tick();
  await engine.resolve('previewDataset', PREVIEW);
  return { engine, datasets };
}

describe('importing', () => {
  it('tells progress, chooses a split, dismisses warnings, and cancels', async () => {
    const { engine, datasets } = await previewed();
    void datasets.chooseSplit('test');
    expect(engine.values.get('previewDataset')?.[1]).toEqual({ mapping: null, split: 'test' });
    expect(datasets.work.value).toBe('reading');
    engine.emit({ type: 'importProgressed', progress: { phase: 'images', done: 1, total: 2 } });
    expect(datasets.progress.value).toEqual({ phase: 'images', done: 1, total: 2 });
    datasets.cancel();
    expect(engine.values.has('cancelImport')).toBe(true);
    expect([datasets.work.value, datasets.progress.value, datasets.error.value]).toEqual([null, null, null]);
    // What was on the page stays.
    expect(datasets.preview.value).toEqual(PREVIEW);
    datasets.dismiss('duplicate');
    expect([...datasets.dismissed.value]).toEqual(['duplicate']);
    void datasets.take([file('b.zip')]);
    await tick();
    expect(datasets.dismissed.value.size).toBe(0);
  });

  it('previews what was taken, suggests a name, and keeps it under the name given', async () => {
    const { engine, datasets } = await previewed();
    expect(datasets.preview.value).toEqual(PREVIEW);
    expect(datasets.work.value).toBeNull();
    expect(datasets.name.value).toBe('d');
    datasets.setName('  ');
    expect(datasets.canKeep.value).toBe(false);
    datasets.setName(' Shapes ');
    const kept = datasets.keep();
    expect(datasets.work.value).toBe('keeping');
    expect(datasets.canKeep.value).toBe(false);
    await engine.resolve('keepDataset', KEPT);
    await kept;
    expect(engine.values.get('keepDataset')).toEqual(['t1', 'Shapes']);
    expect(datasets.preview.value).toBeNull();
    expect(datasets.kept.value).toEqual(KEPT);
    expect(engine.calls).toContain('listDatasets');
  });

  it('previews again with another column, showing the choice at once', async () => {
    const { engine, datasets } = await previewed();
    void datasets.map({ answer: 'q' });
    expect(datasets.preview.value?.mapping.answer).toBe('q');
    expect(datasets.work.value).toBe('reading');
    expect(datasets.canKeep.value).toBe(false);
    const [files, choice] = engine.values.get('previewDataset') as [NamedFile[], unknown];
    expect(files.map(({ path }) => path)).toEqual(['d.jsonl', '1.png']);
    expect(choice).toEqual({ mapping: { ...PREVIEW.mapping, answer: 'q' }, split: 'd.jsonl' });
    const second = { ...PREVIEW, token: 't2', rows: 0 };
    await engine.resolve('previewDataset', second);
    expect(datasets.preview.value).toEqual(second);
    expect(datasets.canKeep.value).toBe(false);
  });

  it('forgets an earlier preview that arrives late', async () => {
    const { engine, datasets } = setUp();
    let arrive: (files: NamedFile[]) => void = () => undefined;
    void datasets.take(new Promise<NamedFile[]>((resolve) => (arrive = resolve)));
    expect(datasets.work.value).toBe('collecting');
    void datasets.take([file('b.zip')]);
    await tick();
    arrive([file('a.zip')]);
    await tick();
    expect(engine.calls).toEqual(['previewDataset']);
    expect(engine.values.get('previewDataset')?.[0]).toMatchObject([{ path: 'b.zip' }]);
    datasets.discard();
    await engine.resolve('previewDataset', PREVIEW);
    expect(datasets.preview.value).toBeNull();
    expect(datasets.work.value).toBeNull();
  });

  it('says why files cannot be used, and that there are none', async () => {
    const { engine, datasets } = setUp();
    await datasets.take([]);
    expect(datasets.error.value?.code).toBe('data/dataset');
    void datasets.take([file('bomb.zip')]);
    await tick();
    await engine.reject('previewDataset', { code: 'data/zip', message: 'bomb.zip is a bomb' });
    expect(datasets.error.value).toEqual({ code: 'data/zip', message: 'bomb.zip is a bomb' });
    expect(datasets.work.value).toBeNull();
  });

  it('keeps the preview when keeping fails', async () => {
    const { engine, datasets } = await previewed();
    void datasets.keep();
    await engine.reject('keepDataset', { code: 'storage/full', message: 'full' });
    expect(datasets.error.value?.code).toBe('storage/full');
    expect(datasets.preview.value).toEqual(PREVIEW);
    expect(datasets.canKeep.value).toBe(true);
  });
});

describe('suggestName', () => {
  it('prefers the folder, then the table or archive', () => {
    expect(suggestName([file('set/a.png'), file('set/rows.jsonl')])).toBe('set');
    expect(suggestName([file('a.png'), file('rows.v2.jsonl')])).toBe('rows.v2');
    expect(suggestName([file('my set.zip')])).toBe('my set');
    expect(suggestName([file('a/1.png'), file('b/2.png')])).toBe('1');
    expect(suggestName([])).toBe('');
  });
});

describe('browsing', () => {
  const view = (question: string) => ({ row: { question } }) as unknown as DatasetRowView;

  it('shows rows within the dataset, the newest wish only', async () => {
    const { engine, datasets } = setUp();
    void datasets.browse(DATASET, 'solution');
    await engine.resolve('readDatasetRow', view('first'));
    expect(datasets.open.value?.view).toEqual(view('first'));
    void datasets.show({ index: 500 });
    expect(datasets.open.value?.index).toBe(97);
    // The row before stays until the new one is there.
    expect(datasets.open.value?.view).toEqual(view('first'));
    await engine.resolve('readDatasetRow', view('last'));
    expect(engine.values.get('readDatasetRow')).toEqual(['d1', 97, 'solution']);
    void datasets.show({ index: Number.NaN, mode: 'plain' });
    expect(engine.values.get('readDatasetRow')).toEqual(['d1', 0, 'plain']);
    datasets.close();
    await engine.resolve('readDatasetRow', view('late'));
    expect(datasets.open.value).toBeNull();
  });

  it('keeps an error with the row that it is about', async () => {
    const { engine, datasets } = setUp();
    void datasets.browse(DATASET, 'plain');
    await engine.reject('readDatasetRow', { code: 'storage/missing', message: 'gone' });
    expect(datasets.open.value?.error?.code).toBe('storage/missing');
    void datasets.show({ index: 1 });
    expect(datasets.open.value?.error).toBeNull();
  });
});
