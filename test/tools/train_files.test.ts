// The folder of a run: a checkpoint comes back as it was, only for the run it belongs to, and is not overwritten unasked.

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TrainFiles } from '../../tools/train_files';

const ABOUT = { settings: '{"seed":1}', base: 'ab' };
const CHECKPOINT = {
  step: 7,
  adapter: Float32Array.of(1, -0, 1e-40),
  m: Float32Array.of(2, 3, 4),
  v: Float32Array.of(5, 6, 7),
  best: null,
};
const BEST = { step: 5, metric: 'loss', value: 0.25, adapter: Float32Array.of(8, -0, 9) } as const;

let folder: string;
let files: TrainFiles;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'look-back-'));
  files = new TrainFiles(join(folder, 'run'));
  await files.create();
});
afterEach(() => rm(folder, { recursive: true }));

describe('TrainFiles', () => {
  it('keeps a checkpoint to the bit, and leaves nothing half-written', async () => {
    expect(await files.readCheckpoint(ABOUT)).toBeNull();
    await files.saveCheckpoint({ ...CHECKPOINT, step: 6 }, ABOUT);
    await files.saveCheckpoint(CHECKPOINT, ABOUT);
    expect(await files.readCheckpoint(ABOUT)).toEqual(CHECKPOINT);
    expect(await readdir(join(folder, 'run'))).toEqual(['checkpoint.safetensors']);
    await files.saveCheckpoint({ ...CHECKPOINT, best: BEST }, ABOUT);
    expect(await files.readCheckpoint(ABOUT)).toEqual({ ...CHECKPOINT, best: BEST });
  });

  it('puts an evaluation into the line of its step, also a second time', async () => {
    for (const step of [1, 2]) await files.appendLine('metrics.jsonl', JSON.stringify({ step, loss: step }));
    for (const eval_loss of [3, 4]) await files.putLine('metrics.jsonl', 2, { eval_loss });
    expect(await files.readMetrics('metrics.jsonl')).toEqual([
      { step: 1, values: { loss: 1 } },
      { step: 2, values: { loss: 2, eval_loss: 4 } },
    ]);
    for (const step of [2, 2, 4]) await files.putLine('samples.jsonl', step, { samples: ['a'] });
    expect(await readFile(files.path('samples.jsonl'), 'utf8')).toBe(
      '{"step":2,"samples":["a"]}\n{"step":4,"samples":["a"]}\n',
    );
  });

  it('refuses one of other settings, of another base, and a broken one', async () => {
    await files.saveCheckpoint(CHECKPOINT, ABOUT);
    for (const other of [{ settings: '{}' }, { base: 'cd' }]) {
      const read = files.readCheckpoint({ ...ABOUT, ...other });
      await expect(read).rejects.toMatchObject({ code: 'data/checkpoint' });
    }
    const path = files.path('checkpoint.safetensors');
    await writeFile(path, (await readFile(path)).subarray(0, 40));
    await expect(files.readCheckpoint(ABOUT)).rejects.toMatchObject({ code: 'model/safetensors' });
  });

  it('begins no run over another', async () => {
    await files.refuseRun();
    await files.saveCheckpoint(CHECKPOINT, ABOUT);
    await expect(files.refuseRun()).rejects.toThrow(/--resume/);
  });

  it('drops the lines of later steps and a line that was cut off', async () => {
    for (const step of [1, 2, 3]) await files.appendLine('metrics.jsonl', JSON.stringify({ step }));
    await writeFile(files.path('metrics.jsonl'), '{"step":2,"lo', { flag: 'a' });
    await files.truncateMetrics('metrics.jsonl', 2);
    expect(await readFile(files.path('metrics.jsonl'), 'utf8')).toBe('{"step":1}\n{"step":2}\n');
  });
});
