// Backups in Node, over items in memory: a round trip, what is here already, cancelling, and zips that are not what they
// should be.
import fc from 'fast-check';
import { unzipSync, type Zippable, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { readDataset } from '../../../src/data/dataset/dataset_import';
import { base64Of } from '../../../src/lib/base64';
import {
  backupOf,
  contents,
  DATASET,
  filledItems,
  hostOf,
  MemoryItems,
  memoryFile,
  ROWS,
  RUN,
  WEIGHTS,
} from './backup_script';

const SETTINGS = { 'look-back/theme': 'dark' };

async function restore(file: Blob, items = new MemoryItems()) {
  const { host, changed, told } = hostOf(items);
  return { report: await host.restoreBackup({ path: 'backup.zip', blob: file }), items, changed, told };
}

const outcomes = ({ items }: { readonly items: readonly { kind: string; outcome: string }[] }) =>
  items.map(({ kind, outcome }) => `${kind} ${outcome}`);

const filesOf = async (file: Blob) => unzipSync(new Uint8Array(await file.arrayBuffer()));
const zipped = (files: Zippable) => new Blob([zipSync(files, { level: 0 }) as Uint8Array<ArrayBuffer>]);
const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
const bytesOf = (words: string) => new TextEncoder().encode(words);

/** The backup with one file changed. */
async function with_(file: Blob, path: string, change: (words: string) => string): Promise<Blob> {
  const files = await filesOf(file);
  return zipped({ ...files, [path]: bytesOf(change(text(files[path]))) });
}

describe('a backup', () => {
  it('brings everything back as it was, where nothing is', async () => {
    const items = await filledItems();
    const file = await backupOf(items, SETTINGS);
    const { report, items: found, changed } = await restore(file);
    expect(report).toMatchObject({ cancelled: false, settings: SETTINGS, createdAt: Date.UTC(2026, 0, 2) });
    expect(report.items.map(({ outcome, detail }) => [outcome, detail])).toEqual(
      Array.from({ length: 6 }, () => ['restored', null]),
    );
    expect(await contents(found)).toEqual(await contents(items));
    expect(changed.sort()).toEqual(['adapters', 'coldStarts', 'datasets', 'evaluations', 'runs', 'traces']);
  });

  it('has files that other programs read, and names models instead of holding them', async () => {
    const file = await backupOf(await filledItems());
    const files = await filesOf(file);
    expect(Object.keys(files).filter((path) => path.startsWith('adapters/'))).toEqual([
      'adapters/001-Looks-twice/adapter_model.safetensors',
      'adapters/001-Looks-twice/weights.jsonl',
      'adapters/001-Looks-twice/adapter_config.json',
      'adapters/001-Looks-twice/record.json',
    ]);
    const rows = text(files['datasets/001-Mine-..-here/metadata.jsonl']).trim().split('\n');
    expect(rows.map((row) => JSON.parse(row).file_name)).toEqual([
      ...['images/000000.png', 'images/000001.png', 'images/000002.png'],
    ]);
    const { items, models, version } = JSON.parse(text(files['library.json']));
    expect(models).toEqual([{ id: 'org/model', revision: 'main', commit: 'c0ffee' }]);
    expect([items.length, typeof version]).toEqual([6, 'number']);
  });

  it('is written in pieces, none of them larger than its largest file', async () => {
    const file = memoryFile();
    await hostOf(await filledItems(), { scratchFile: async () => file }).host.writeBackup({}, null);
    expect(Math.max(...file.pieces)).toBe(WEIGHTS.length);
  });

  it('keeps what is here already, and restores what has changed since beside it, once', async () => {
    const items = await filledItems();
    const file = await backupOf(items);
    items.records.set('trace trace-1', { ...(await items.record('trace', 'trace-1')), usedAt: 99 });
    const before = await contents(items);
    expect(outcomes((await restore(file, items)).report)).toEqual([
      ...['dataset kept', 'adapter kept', 'run kept', 'evaluation kept', 'coldStart kept', 'trace kept'],
    ]);
    expect(await contents(items)).toEqual(before);
    items.records.set('dataset dataset-1', {
      ...DATASET,
      name: 'Other',
      rows: 3,
      withResponse: 1,
      complete: true,
    });
    const { report } = await restore(file, items);
    expect(report.items[0]).toMatchObject({ outcome: 'renamed', detail: `${DATASET.name} (restored)` });
    expect(outcomes((await restore(file, items)).report)[0]).toBe('dataset kept');
    expect(await items.ids('dataset')).toHaveLength(2);
  });

  it('leads references to where an item is now', async () => {
    const items = await filledItems();
    const file = await backupOf(items);
    const other = new MemoryItems();
    other.put('dataset', { ...DATASET, name: 'Other', rows: 0, withResponse: 0, complete: true }, {});
    const { report } = await restore(file, other);
    expect(report.items[0]).toMatchObject({ kind: 'dataset', outcome: 'renamed' });
    const [, id] = await other.ids('dataset');
    expect(id).not.toBe('dataset-1');
    expect(await other.record('run', RUN.id)).toMatchObject({ plan: { source: { datasetId: id } } });
    expect(await other.record('evaluation', 'evaluation-1')).toMatchObject({
      plan: { source: { datasetId: id } },
    });
    expect(outcomes((await restore(file, other)).report)).not.toContain('run renamed');
  });

  it('has a run that was live as one that can go on', async () => {
    const items = await filledItems();
    items.records.set('run run-1', { ...(await items.record('run', 'run-1')), state: 'running' });
    const { items: found } = await restore(await backupOf(items));
    expect(await found.record('run', 'run-1')).toMatchObject({
      ...{ state: 'paused', reason: { code: 'train/interrupted' }, checkpointStep: 2 },
    });
  });

  it('has no run go on by settings that this page would not start', async () => {
    const items = await filledItems();
    const record = await items.record('run', 'run-1');
    items.records.set('run run-1', { ...record, plan: { ...RUN.plan, saveSteps: 'never' } });
    const { items: found } = await restore(await backupOf(items));
    expect((await found.record('run', 'run-1'))?.state).toBe('stopped');
  });
});

describe('a backup of an earlier page', () => {
  it('is kept for the same where records have fields now that they had not then', async () => {
    const items = await filledItems();
    const file = await backupOf(items);
    const then = await with_(file, 'runs/001-Pocket-GRPO-quick/record.json', (words) => {
      const { notes: _, ...record } = JSON.parse(words).record;
      return JSON.stringify({ ...JSON.parse(words), record });
    });
    items.records.set('run run-1', { ...(await items.record('run', 'run-1')), notes: '' });
    expect(outcomes((await restore(then, items)).report)).toContain('run kept');
    expect(await (await restore(then)).items.record('run', 'run-1')).toMatchObject({ notes: '' });
  });

  it('has an evaluation refused by settings that are none now only where it is not done', async () => {
    const path = 'evaluations/001-pocket/record.json';
    const file = await with_(await backupOf(await filledItems()), path, (words) =>
      words.replace('"batch":', '"batches":'),
    );
    expect(outcomes((await restore(file)).report)).toContain('evaluation restored');
    const more = await with_(file, path, (words) => words.replace('"count":2', '"count":3'));
    const bad = (await restore(more)).report.items.find(({ outcome }) => outcome === 'refused');
    expect(bad).toMatchObject({ kind: 'evaluation', detail: expect.stringMatching(/plan cannot be used/) });
  });
});

describe('a dataset by itself', () => {
  it('is an image folder that the import of files reads', async () => {
    const { host } = hostOf(await filledItems());
    const blob = await host.exportDataset('dataset-1');
    const found = await readDataset([{ path: 'mine.zip', blob }], { mapping: null, table: null });
    expect([found.problems, found.rows.length]).toEqual([[], 3]);
    expect(found.mapping).toMatchObject({
      ...{ image: 'file_name', question: 'question', answer: 'answer', response: 'response' },
    });
    for (const [at, row] of found.rows.entries()) {
      const { image, imageName, question, answer, response, system = null, columns } = ROWS[at]!;
      expect(row).toMatchObject({ question, answer, response, system });
      // Names that the import would take for the picture or the question are others now.
      expect(row.columns).toEqual({
        imageName,
        ...(columns && { level: at, 'images (2)': columns.images, 'question (2)': columns.question }),
      });
      expect(base64Of(new Uint8Array(await (await row.image()).arrayBuffer()))).toBe(
        base64Of(new Uint8Array(await image.arrayBuffer())),
      );
    }
    await expect(host.exportDataset('gone')).rejects.toMatchObject({ code: 'storage/missing' });
  });
});

describe('cancelling', () => {
  it('leaves the file as it was, and lets the next one begin', async () => {
    const file = memoryFile();
    const { host } = hostOf(await filledItems(), {
      scratchFile: async () => file,
      progressed: () => void host.cancelBackup(),
    });
    await expect(host.writeBackup({}, null)).rejects.toMatchObject({ code: 'storage/cancelled' });
    expect((await file.getFile()).size).toBe(0);
    expect(
      await host.restoreBackup({ path: 'b.zip', blob: await backupOf(new MemoryItems()) }),
    ).toMatchObject({
      items: [],
    });
  });

  it('keeps whole items that were restored before it, and nothing of the one in hand', async () => {
    const file = await backupOf(await filledItems());
    const items = new MemoryItems();
    const { host } = hostOf(items);
    items.refuse = ({ store }) => void (store === 'checkpoints' && host.cancelBackup());
    const report = await host.restoreBackup({ path: 'b.zip', blob: file });
    expect(report.cancelled).toBe(true);
    expect(outcomes(report)).toEqual(['dataset restored', 'adapter restored']);
    expect(await items.ids('run')).toEqual([]);
  });

  it('refuses a second one meanwhile', async () => {
    const { host } = hostOf(await filledItems());
    const first = host.writeBackup({}, null);
    await expect(host.writeBackup({}, null)).rejects.toMatchObject({ code: 'storage/busy' });
    expect((await first).items).toBe(6);
  });
});

describe('a zip that was damaged anywhere', () => {
  it('is refused, or gives back whole items that are what they were', async () => {
    const items = await filledItems();
    const bytes = new Uint8Array(await (await backupOf(items)).arrayBuffer());
    const was = (await contents(items)) as readonly { kind: string }[];
    const refused: string[] = [];
    // Half of the damage is done to the directory, where few bytes say much.
    const at = fc.oneof(
      fc.nat(bytes.length - 1),
      fc.nat(3000).map((back) => bytes.length - 1 - back),
    );
    const damage = fc.record({ at, byte: fc.integer({ min: 1, max: 255 }), cut: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(damage, async ({ at: where, byte, cut }) => {
        const damaged = bytes.slice(0, cut ? where : bytes.length);
        if (!cut) damaged[where] = (damaged[where] ?? 0) ^ byte;
        const found = new MemoryItems();
        const restoring = restore(new Blob([damaged]), found);
        const { report } = await restoring.catch((error) => {
          expect(error.code).toMatch(/^storage\/backup/);
          return { report: { items: [] } };
        });
        refused.push(...outcomes(report).filter((words) => words.endsWith('refused')));
        for (const one of (await contents(found)) as readonly { kind: string }[])
          expect(one).toEqual(was.find(({ kind }) => kind === one.kind));
        expect(found.records.size).toBe(
          outcomes(report).filter((words) => words.endsWith('restored')).length,
        );
      }),
      { numRuns: 25 },
    );
    expect(refused.length).toBeGreaterThan(0);
  });
});

describe('a zip that is not what it should be', () => {
  const refused = async (file: Blob) =>
    restore(file).then(
      () => null,
      (error) => [error.code, error.message],
    );

  it('is refused whole where it is foreign, newer, damaged or dishonest', async () => {
    const file = await backupOf(await filledItems());
    expect(await refused(new Blob(['hello']))).toEqual(['storage/backup', expect.stringMatching(/no zip/)]);
    expect(await refused(file.slice(0, -100))).toEqual(['storage/backup', expect.stringMatching(/cut off/)]);
    expect(await refused(zipped({ 'a.txt': bytesOf('a') }))).toEqual([
      ...['storage/backup', expect.stringMatching(/holds no library\.json/)],
    ]);
    expect(
      await refused(await with_(file, 'library.json', (words) => words.replace('look-back library', 'x'))),
    ).toEqual([...['storage/backup', expect.stringMatching(/another program/)]]);
    const newer = await with_(file, 'library.json', (words) =>
      words.replace(/"version": \d+/, '"version": 9999'),
    );
    expect(await refused(newer)).toEqual(['storage/backup-newer', expect.stringMatching(/newer version/)]);
    expect(await refused(zipped({ ...(await filesOf(file)), '../evil': bytesOf('x') }))).toEqual([
      ...['storage/backup', expect.stringMatching(/leads out of the zip/)],
    ]);
    const twice = await with_(file, 'library.json', (words) => {
      const json = JSON.parse(words);
      return JSON.stringify({ ...json, items: [...json.items, json.items[0]] });
    });
    expect(await refused(twice)).toEqual(['storage/backup', expect.stringMatching(/names a folder twice/)]);
    const token = await with_(file, 'library.json', (words) =>
      words.replace('"settings": {}', '"settings": {"token":"x"}'),
    );
    expect(await refused(token)).toEqual(['storage/backup', expect.stringMatching(/settings/)]);
  });

  it('is refused whole where it inflates beyond measure', async () => {
    const files = await filesOf(await backupOf(await filledItems()));
    const path = Object.keys(files).find((name) => name.endsWith('images/000001.png')) ?? '';
    const bomb = zipSync({ ...files, [path]: [new Uint8Array(2 * 2 ** 20), { level: 9 }] });
    expect(await refused(new Blob([bomb as Uint8Array<ArrayBuffer>]))).toEqual([
      ...['storage/backup', expect.stringMatching(/images\/000001\.png" inflates \d+-fold/)],
    ]);
  });

  it.each([
    [
      'datasets/001-Mine-..-here/metadata.jsonl',
      (words: string) => words.replace('"index":1', '"index":9'),
      /row 2 is missing/,
    ],
    [
      'datasets/001-Mine-..-here/metadata.jsonl',
      (words: string) => words.split('\n').slice(1).join('\n'),
      /row 1 is missing/,
    ],
    [
      'datasets/001-Mine-..-here/metadata.jsonl',
      (words: string) => words.split('\n').slice(0, 2).join('\n'),
      /2 of 3 rows/,
    ],
    ['datasets/001-Mine-..-here/metadata.jsonl', (words: string) => words.replace('how many 1 ?', ''), null],
    [
      'datasets/001-Mine-..-here/metadata.jsonl',
      (words: string) => words.replace('images/000001.png', '../../x'),
      /it is missing/,
    ],
    ['datasets/001-Mine-..-here/metadata.jsonl', (words: string) => `${words}{`, /line 4.*not valid JSON/],
    [
      'datasets/001-Mine-..-here/metadata.jsonl',
      (words: string) => words.replace('"level":1', '"level":{"$":"ArrayBuffer","base64":"AAAA"}'),
      /plain data/,
    ],
    [
      'datasets/001-Mine-..-here/record.json',
      (words: string) => words.replace('"dataset-1"', '"../a"'),
      /An id has letters/,
    ],
    [
      'adapters/001-Looks-twice/record.json',
      (words: string) => words.replace('"r":1', '"r":-1'),
      /config\.r/,
    ],
    ['adapters/001-Looks-twice/weights.jsonl', (words: string) => words + words, /several|2 of 1/],
    [
      `runs/001-${'Pocket-GRPO-quick'}/checkpoint.jsonl`,
      (words: string) => words.replace('"shape":[4,3]', '"shape":[4,300]'),
      /checkpoint holds/,
    ],
    [
      `runs/001-${'Pocket-GRPO-quick'}/groups.jsonl`,
      (words: string) => words.replace('"image":{', '"image":{"__proto__":1,'),
      null,
    ],
    [
      `runs/001-${'Pocket-GRPO-quick'}/samples.jsonl`,
      (words: string) => words.replace('"correct":true', '"correct":"yes"'),
      /correct/,
    ],
    [
      'evaluations/001-pocket/outcomes.jsonl',
      (words: string) => words.replace('"side":0', '"side":3'),
      /no question of its plan/,
    ],
    [
      'cold-start/001-pocket/record.json',
      (words: string) => words.replace('"rollouts":', '"rolls":'),
      /plan cannot be used: There is no setting/,
    ],
    ['looks/001-How-many/file.jsonl', (words: string) => words + words, /several|2 of 1/],
    ['cold-start/001-pocket/texts.jsonl', (words: string) => words.replace('rollouts', 'x'), /stage/],
  ])('has an item refused with its reason, and the others restored: %s', async (path, change, reason) => {
    const file = await backupOf(await filledItems());
    const whole = await filesOf(file);
    expect(Object.keys(whole)).toContain(path);
    const { report, items } = await restore(await with_(file, path, change));
    const bad = report.items.filter(({ outcome }) => outcome !== 'restored');
    if (reason === null) return expect(bad.length).toBeLessThanOrEqual(1);
    expect(bad).toHaveLength(1);
    expect(bad[0]).toMatchObject({ outcome: 'refused', detail: expect.stringMatching(reason) });
    expect(items.records.size).toBe(5);
  });
});
