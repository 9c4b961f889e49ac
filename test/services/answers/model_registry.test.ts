// model_registry: the list as shipped, downloads with progress, and every way in which they go wrong.
import { describe, expect, it } from 'vitest';
import { joinModels, ModelRegistry, parseModelList } from '../../../src/services/answers/model_registry';
import { loadFixture, loadFixtureJson } from '../../harness/fixture';

const BASE = new URL('https://models.example/app/');
const LIST = [
  {
    id: 'small',
    label: 'Small',
    folder: 'models/small',
    bytes: 7,
    files: [
      { name: 'config.json', bytes: 2 },
      { name: 'model.safetensors', bytes: 5 },
    ],
  },
];

/** Serves text by path below the base; anything else is a 404. */
function server(files: Record<string, string | Response>) {
  const asked: string[] = [];
  const fetchFile = async (url: URL): Promise<Response> => {
    const path = url.href.slice(BASE.href.length);
    asked.push(path);
    const found = files[path];
    if (found instanceof Response) return found;
    return found === undefined ? new Response('', { status: 404 }) : new Response(found);
  };
  return { asked, registry: new ModelRegistry(BASE, fetchFile) };
}

const good = {
  'models/models.json': JSON.stringify(LIST),
  'models/small/config.json': '{}',
  'models/small/model.safetensors': 'abcde',
};

describe('the shipped list', () => {
  it('names files that are there, with their sizes', async () => {
    const models = parseModelList(await loadFixtureJson('/public/models/models.json'));
    // The page loads the first; its bundled adapter is what looks back.
    expect(models[0]).toMatchObject({ id: 'pocket' });
    expect(new Set(models.map(({ id }) => id)).size).toBe(models.length);
    for (const { folder, files } of models) {
      for (const { name, bytes } of files) {
        const found = await loadFixture(`/public/${folder}/${name}`);
        expect(found.length, `${folder}/${name}`).toBe(bytes);
      }
      const names = files.map(({ name }) => name);
      for (const needed of ['config.json', 'model.safetensors', 'tokenizer.json', 'lookback.json']) {
        expect(names, folder).toContain(needed);
      }
    }
  });
});

describe('parseModelList', () => {
  const changed = (change: Record<string, unknown>) => [{ ...LIST[0], ...change }];
  it.each([
    ['no list', {}, 'list of models'],
    ['an empty list', [], 'list of models'],
    ['no id', changed({ id: undefined }), '[0].id'],
    ['a folder outside', changed({ folder: '../x' }), 'folder'],
    ['an absolute folder', changed({ folder: 'https://x/y' }), 'folder'],
    ['a file outside', changed({ files: [{ name: '../a', bytes: 7 }] }), 'files[0].name'],
    ['sizes that do not add up', changed({ bytes: 8 }), 'its files have 7'],
    ['no files', changed({ files: [] }), 'files'],
  ])('refuses %s', (_, json, message) => {
    expect(() => parseModelList(json)).toThrow(message);
  });
});

describe('ModelRegistry', () => {
  it('fetches the list once and the files with progress', async () => {
    const { asked, registry } = server(good);
    await registry.list();
    const progress: number[][] = [];
    const { entry, files } = await registry.open('small', (loaded, total) => progress.push([loaded, total]));
    expect(entry.label).toBe('Small');
    expect(asked).toEqual([
      'models/models.json',
      'models/small/config.json',
      'models/small/model.safetensors',
    ]);
    expect(progress[0]).toEqual([0, 7]);
    expect(progress.at(-1)).toEqual([7, 7]);
    const source = await files.open('model.safetensors');
    expect(new TextDecoder().decode(await source?.read(1, 3))).toBe('bc');
    expect(await files.open('lookback.json')).toBeNull();
  });

  it.each([
    ['a shorter file', { ...good, 'models/small/config.json': '{' }, 'model/integrity'],
    ['a longer file', { ...good, 'models/small/config.json': '{"a":1}' }, 'model/integrity'],
    [
      'a missing file',
      { ...good, 'models/small/config.json': new Response('', { status: 500 }) },
      'model/download',
    ],
    ['a missing list', {}, 'model/download'],
    ['a list that is a page', { ...good, 'models/models.json': '<!doctype html>' }, 'model/list'],
  ])('rejects for %s', async (_, files, code) => {
    const { registry } = server(files);
    await expect(registry.open('small', () => undefined)).rejects.toMatchObject({ code });
  });

  it('names the models there are when asked for another', async () => {
    const { registry } = server(good);
    await expect(registry.open('large', () => undefined)).rejects.toThrow(/"large".*small/);
  });

  it('asks again for the list after a failure', async () => {
    let down = true;
    const registry = new ModelRegistry(BASE, async () => {
      if (down) throw new TypeError('network');
      return new Response(JSON.stringify(LIST));
    });
    await expect(registry.list()).rejects.toMatchObject({ code: 'model/download' });
    down = false;
    expect(await registry.list()).toHaveLength(1);
  });

  it('says where a download stopped', async () => {
    let pulls = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (pulls++ === 0) controller.enqueue(new Uint8Array(3));
        else controller.error(new Error('reset'));
      },
    });
    const { registry } = server({ ...good, 'models/small/model.safetensors': new Response(body) });
    await expect(registry.open('small', () => undefined)).rejects.toThrow(/stopped at 3 B of 5 B/);
  });

  it('gives the reason of an abort, before and during a file', async () => {
    const { registry } = server(good);
    const controller = new AbortController();
    const during = registry.open('small', (loaded) => loaded > 0 && controller.abort(), controller.signal);
    await expect(during).rejects.toMatchObject({ name: 'AbortError' });
    await expect(registry.open('small', () => undefined, AbortSignal.abort())).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});

describe('joinModels', () => {
  const source = (name: string, asked: string[]) => ({
    list: async () => [{ id: name, label: name, folder: '', bytes: 1, files: [] }],
    open: async (id: string) => {
      asked.push(`${name} ${id}`);
      throw new Error('enough');
    },
  });

  it('lists all sources in order, and opens an id where it belongs', async () => {
    const asked: string[] = [];
    const models = joinModels([
      { ids: /^[^/]+$/, source: source('page', asked) },
      { ids: /^[^/]+\/[^/]+$/, source: source('hub', asked) },
    ]);
    const progress = () => undefined;
    expect((await models.list()).map(({ id }) => id)).toEqual(['page', 'hub']);
    await expect(models.open('pocket', progress)).rejects.toThrow('enough');
    await expect(models.open('Qwen/Qwen2.5-VL-3B-Instruct', progress)).rejects.toThrow('enough');
    expect(asked).toEqual(['page pocket', 'hub Qwen/Qwen2.5-VL-3B-Instruct']);
    await expect(models.open('a/b/c', progress)).rejects.toMatchObject({ code: 'model/unknown' });
  });
});
