// model_source: folders and built-in ids, ranges of files, and names that would lead out of a folder.
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findModel, folderFiles } from '../../tools/model_source';

const FOLDER = join(process.cwd(), 'test/fixtures/tiny-qwen2_5_vl');

describe('folderFiles', () => {
  it('reads ranges of a file', async () => {
    const source = await folderFiles(FOLDER, 'tiny').open('config.json');
    const whole = await source?.read(0, source.size);
    expect(JSON.parse(new TextDecoder().decode(whole))).toMatchObject({ model_type: 'qwen2_5_vl' });
    expect(await source?.read(3, 9)).toEqual(whole?.slice(3, 9));
    expect(await source?.read(4, 4)).toHaveLength(0);
  });

  it('refuses to read past the end', async () => {
    const source = await folderFiles(FOLDER, 'tiny').open('config.json');
    await expect(source?.read(0, source.size + 1)).rejects.toMatchObject({ code: 'model/files' });
  });

  it('is null for what is not there or is a folder', async () => {
    expect(await folderFiles(FOLDER, 'tiny').open('nothing.json')).toBeNull();
    expect(await folderFiles(FOLDER, 'tiny').open('variants')).toBeNull();
  });

  it.each(['../README.md', '/etc/hosts', 'variants/tied/config.json', '.hidden', ''])(
    'refuses "%s"',
    async (name) => {
      await expect(folderFiles(FOLDER, 'tiny').open(name)).rejects.toMatchObject({ code: 'model/files' });
    },
  );
});

describe('findModel', () => {
  beforeEach(() => void vi.stubEnv('LOOKBACK_ROOT', process.cwd()));
  afterEach(() => void vi.unstubAllEnvs());

  it('takes the first built-in model without a name', async () => {
    const { id, files } = await findModel(undefined);
    expect(id).toMatch(/^pocket/);
    expect(await files.open('model.safetensors')).not.toBeNull();
  });

  it('takes an id, or a folder', async () => {
    expect((await findModel('pocket')).files.name).toBe('pocket');
    expect(await (await findModel('test/fixtures/tiny-qwen2_5_vl')).files.open('config.json')).not.toBeNull();
  });

  it('names the built-in models when there is neither', async () => {
    await expect(findModel('nowhere')).rejects.toThrow(/"nowhere".*pocket/);
  });
});
