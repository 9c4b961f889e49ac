// The list of bundled adapters: read, absent, malformed; files fetched when used.
import { describe, expect, it } from 'vitest';
import { parseSafetensors } from '../../../src/model/safetensors';
import { BundledAdapters } from '../../../src/services/library/bundled_adapters';
import { loadFixture } from '../../harness/fixture';

const ENTRY = {
  ...{ id: 'a', name: 'A', folder: 'adapters/a', modelId: 'pocket', fingerprint: '0f'.repeat(32), r: 8 },
  ...{ loraAlpha: 16, targetModules: ['q'], parameters: 10, bytes: 20, createdAt: 30 },
};

function pageOf(files: Record<string, string>, type = 'application/json') {
  const asked: string[] = [];
  const bundled = new BundledAdapters(new URL('https://page.test/sub/'), async (url) => {
    asked.push(url.pathname);
    const body = files[url.pathname];
    if (body === undefined) return new Response('<html>', { status: 404 });
    return new Response(body, { headers: { 'content-type': type } });
  });
  return { bundled, asked };
}

const listOf = (...adapters: object[]) => ({ '/sub/adapters/adapters.json': JSON.stringify({ adapters }) });

describe('BundledAdapters', () => {
  it('lists and opens', async () => {
    const { bundled, asked } = pageOf({
      ...listOf({
        ...ENTRY,
        notes: 'n',
        run: { id: 'r', method: 'grpo', step: 5 },
        metrics: { accuracy: 0.5 },
      }),
      '/sub/adapters/a/adapter_config.json': '{}',
      '/sub/adapters/a/adapter_model.safetensors': 'xyz',
    });
    const { folder, ...rest } = ENTRY;
    const run = { id: 'r', method: 'grpo', step: 5 };
    expect(await bundled.list()).toEqual([
      { ...rest, bundled: true, precision: null, caution: null, notes: 'n', run, metrics: { accuracy: 0.5 } },
    ]);
    expect(folder).toBe('adapters/a');
    expect((await bundled.open('a'))?.weights).toHaveLength(3);
    expect(await bundled.open('b')).toBeNull();
    expect(asked.filter((path) => path.endsWith('.json'))).toEqual([
      '/sub/adapters/adapters.json',
      '/sub/adapters/a/adapter_config.json',
    ]);
  });

  it('is empty where there is no list, or the start page in its place, or no network', async () => {
    expect(await pageOf({}).bundled.list()).toEqual([]);
    expect(await pageOf({ '/sub/adapters/adapters.json': '<html>' }, 'text/html').bundled.list()).toEqual([]);
    const offline = new BundledAdapters(new URL('https://page.test/'), () =>
      Promise.reject(new TypeError('net')),
    );
    expect(await offline.list()).toEqual([]);
  });

  it.each([
    ['no list', '{"adapters": 3}', /adapters must be a list/],
    ['no JSON', '{', /is not JSON/],
    ['a folder elsewhere', JSON.stringify({ adapters: [{ ...ENTRY, folder: '../x' }] }), /plain folder/],
    ['a bad fingerprint', JSON.stringify({ adapters: [{ ...ENTRY, fingerprint: 'AB' }] }), /SHA-256/],
    [
      'targets that are none',
      JSON.stringify({ adapters: [{ ...ENTRY, targetModules: 'q' }] }),
      /targetModules/,
    ],
    [
      'an unknown method',
      JSON.stringify({ adapters: [{ ...ENTRY, run: { id: 'r', method: 'x', step: 1 } }] }),
      /method/,
    ],
    ['no rank', JSON.stringify({ adapters: [{ ...ENTRY, r: 0 }] }), /adapters\[0\]\.r/],
  ])('refuses %s, and asks again', async (_, text, message) => {
    const { bundled, asked } = pageOf({ '/sub/adapters/adapters.json': text });
    await expect(bundled.list()).rejects.toMatchObject({ code: 'model/list' });
    await expect(bundled.list()).rejects.toThrow(message);
    expect(asked).toHaveLength(2);
  });

  it('says which file could not be fetched', async () => {
    const { bundled } = pageOf(listOf(ENTRY));
    await expect(bundled.open('a')).rejects.toMatchObject({ code: 'model/download' });
  });
});

describe('the shipped adapters', () => {
  it('are there whole, made for the shipped model, the first one for the page', async () => {
    const bundled = new BundledAdapters(new URL('https://page.test/'), async (url) => {
      const type = url.pathname.endsWith('.json') ? 'application/json' : 'application/octet-stream';
      return new Response(await loadFixture(`/public${url.pathname}`), { headers: { 'content-type': type } });
    });
    const list = await bundled.list();
    expect(list[0]).toMatchObject({ id: 'pocket-lookback', modelId: 'pocket' });
    for (const { id, modelId, fingerprint, bytes, parameters } of list) {
      const weights = await loadFixture(`/public/models/${modelId}/model.safetensors`);
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', weights));
      expect([...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('')).toBe(fingerprint);
      const files = await bundled.open(id);
      expect(files!.config.length + files!.weights.length).toBe(bytes);
      const { tensors } = await parseSafetensors(id, files!.weights);
      const sizes = [...tensors.values()].map(({ shape }) => shape.reduce((a, b) => a * b, 1));
      expect(sizes.reduce((a, b) => a + b, 0)).toBe(parameters);
    }
  });
});
