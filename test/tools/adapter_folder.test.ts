// Adapters on disk: a folder and the zip of it give the same; what is neither is refused by name.
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { parseModelConfig } from '../../src/model/config';
import { packAdapter } from '../../src/storage/adapter_archive';
import { readAdapter, warnOfPrecision, writeAdapter } from '../../tools/adapter_folder';

const MODEL = fileURLToPath(new URL('../fixtures/tiny-qwen2_5_vl', import.meta.url));
const FOLDER = join(MODEL, 'adapter');

describe('readAdapter', () => {
  it('reads a folder and a zip alike', async () => {
    const model = parseModelConfig(JSON.parse(await readFile(join(MODEL, 'config.json'), 'utf8')));
    const zip = join(await mkdtemp(join(tmpdir(), 'adapter-')), 'a.zip');
    const read = async (name: string) => new Uint8Array(await readFile(join(FOLDER, name)));
    const pair = {
      config: await read('adapter_config.json'),
      weights: await read('adapter_model.safetensors'),
    };
    await writeFile(zip, packAdapter(pair));
    expect(await readAdapter(zip, model)).toEqual(await readAdapter(FOLDER, model));
    await writeFile(zip, 'no zip');
    await expect(readAdapter(zip, model)).rejects.toThrow(/a\.zip/);
    await expect(readAdapter('/dev/zero', model)).rejects.toMatchObject({ code: 'data/file' });
    await expect(readAdapter(MODEL, model)).rejects.toThrow(/is no adapter: .*adapter_config\.json/);
    await expect(readAdapter(join(FOLDER, 'none'), model)).rejects.toThrow('no such file');
  });

  it('refuses values that are not finite, naming file and tensor', async () => {
    const model = parseModelConfig(JSON.parse(await readFile(join(MODEL, 'config.json'), 'utf8')));
    const folder = await mkdtemp(join(tmpdir(), 'adapter-'));
    const weights = await readFile(join(FOLDER, 'adapter_model.safetensors'));
    // The last four bytes of the file are the last value of a tensor: an F32 infinity.
    weights.set([0, 0, 0x80, 0x7f], weights.length - 4);
    await writeFile(join(folder, 'adapter_model.safetensors'), weights);
    await writeFile(join(folder, 'adapter_config.json'), await readFile(join(FOLDER, 'adapter_config.json')));
    await expect(readAdapter(folder, model)).rejects.toMatchObject({
      code: 'model/adapter',
      message: expect.stringMatching(
        /adapter_model\.safetensors: tensor ".*lora_[AB].*" holds values that are not finite/,
      ),
    });
  });
});

describe('writeAdapter', () => {
  it('names the base, its fingerprint and its precision, which come back', async () => {
    const model = parseModelConfig(JSON.parse(await readFile(join(MODEL, 'config.json'), 'utf8')));
    const folder = await mkdtemp(join(tmpdir(), 'adapter-'));
    const given = await readAdapter(FOLDER, model);
    const about = { loraDropout: 0.25, baseModel: 'org/base', fingerprint: 'ab'.repeat(32) };
    await writeAdapter(folder, { ...given, precision: 'int4' }, about);
    expect(JSON.parse(await readFile(join(folder, 'adapter_config.json'), 'utf8'))).toMatchObject({
      ...{ peft_type: 'LORA', lora_dropout: 0.25, base_model_name_or_path: 'org/base' },
      ...{ lookback_base_sha256: 'ab'.repeat(32), lookback_base_precision: 'int4' },
    });
    const back = await readAdapter(folder, model);
    expect(back.precision).toBe('int4');
    expect(back.weights).toEqual(given.weights);
    await writeAdapter(folder, { ...given, precision: null }, about);
    expect((await readAdapter(folder, model)).precision).toBeNull();
  });
});

describe('warnOfPrecision', () => {
  it('says once on stderr what differs, and nothing where nothing does', () => {
    let said = '';
    const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      said += text;
      return true;
    });
    warnOfPrecision({ precision: 'int4' }, 'int4');
    warnOfPrecision({ precision: null }, 'int4');
    expect(said).toBe('');
    warnOfPrecision({ precision: 'int4' }, 'int8');
    expect(said).toMatch(/^Warning: .*int4.*int8.*\n$/);
    write.mockRestore();
  });
});
