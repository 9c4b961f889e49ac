// The folder of a cold start: it goes on only with the same settings, survives a cut-off line, and ends in a data set.

import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ColdStartFiles, readWritten } from '../../tools/cold_start_files';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cold-start-'));
});
afterEach(() => rm(folder, { recursive: true }));

const ROW = {
  ...{ id: 'p/1', question: 'How many?', answer: '3', response: '<think> 3 </think> \\boxed{3}' },
  ...{ kind: null, reflects: false, baseAccuracy: 0.5, wrongFirst: false, writer: null },
};

describe('ColdStartFiles', () => {
  it('goes on with the same settings alone, and never overwrites', async () => {
    const files = new ColdStartFiles(join(folder, 'out'));
    await files.begin({ seed: 1, model: 'a' }, false);
    await expect(files.begin({ seed: 1, model: 'a' }, false)).rejects.toThrow(
      /--resume, or use another folder/,
    );
    await files.begin({ seed: 1, model: 'a' }, true);
    await expect(files.begin({ seed: 2, model: 'a' }, true)).rejects.toThrow(/another seed/);
  });

  it('drops a line that was cut off, and refuses one that is broken before others', async () => {
    const files = new ColdStartFiles(folder);
    const row = (id: string) => ({ id, texts: [`text of ${id}`] });
    await files.append('rollouts', [row('a'), row('b')]);
    await appendFile(files.path('rollouts.jsonl'), '{"id": "c", "te');
    expect([...(await files.read('rollouts')).keys()]).toEqual(['a', 'b']);
    await files.append('rollouts', [row('c')]);
    expect([...(await files.read('rollouts')).values()]).toEqual([row('a'), row('b'), row('c')]);
    expect((await files.read('self')).size).toBe(0);
    await writeFile(files.path('rollouts.jsonl'), 'nonsense\n{"id":"a"}\n');
    await expect(files.read('rollouts')).rejects.toThrow(/line 1 is no JSON/);
  });

  it('writes rows that name their picture for every reader', async () => {
    const files = new ColdStartFiles(folder);
    await files.begin({}, false);
    const image = await files.writeImage(ROW.id, new Blob([Uint8Array.of(1)], { type: 'image/png' }));
    expect(image).toBe('images/p_1.png');
    await files.writeDataset([{ ...ROW, image }]);
    const row = JSON.parse(await readFile(files.path('dataset/metadata.jsonl'), 'utf8'));
    expect(row).toMatchObject({ file_name: image, images: [image], id: 'p/1', writer: null });
    const info = JSON.parse(await readFile(files.path('dataset/dataset_info.json'), 'utf8'));
    expect(Object.values(info)).toMatchObject([{ file_name: 'metadata.jsonl', formatting: 'sharegpt' }]);
  });
});

describe('readWritten', () => {
  it.each([
    ['{"id": "a"}', 'line 1 must be an object with texts "id" and "text"'],
    ['{"id": "a", "text": "b"}\n\n[1]', 'line 3 must be'],
    ['null', 'line 1 must be'],
  ])('names the line of %j', async (text, message) => {
    const file = join(folder, 'given.jsonl');
    await writeFile(file, text);
    await expect(readWritten(file)).rejects.toThrow(message);
  });

  it('reads texts by id', async () => {
    const file = join(folder, 'given.jsonl');
    await writeFile(file, '{"id": "a", "text": "x", "more": 1}\n');
    expect([...(await readWritten(file))]).toEqual([['a', 'x']]);
    await expect(readWritten('/dev/zero')).rejects.toThrow('/dev/zero');
  });
});
