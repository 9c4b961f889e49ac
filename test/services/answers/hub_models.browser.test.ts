// A model's way from a hub over HTTP into the origin private file system and onto the device, through the engine's own
// Worker: with faults on the way, cut off and gone on with, opened again with the hub off, and deleted.

import { afterEach, expect, it } from 'vitest';
import { commands } from 'vitest/browser';
import { createEngineClient, type EngineClient } from '../../../src/worker/client';
import type { EngineEvent } from '../../../src/worker/protocol/messages';
import { loadFixture } from '../../harness/fixture';

const POCKET = 'public/models/pocket';
/** Three pieces of a download. */
const PADDING = 20 << 20;
const workers: Worker[] = [];
const hubs: string[] = [];

async function openHub(models: Parameters<typeof commands.openHub>[0]): Promise<string> {
  const address = await commands.openHub(models);
  hubs.push(address);
  return address;
}

/** A client of a fresh Worker, as a reloaded page has one. */
async function fresh(address: string, token: string | null = null) {
  const client = createEngineClient(() => {
    // Written in one expression, by which Vite knows a Worker's file: its own lazy imports work only then.
    const worker = new Worker(new URL('../../../src/worker/engine.worker.ts', import.meta.url), {
      type: 'module',
    });
    workers.push(worker);
    return worker;
  });
  const events: EngineEvent[] = [];
  client.listen((batch) => events.push(...batch));
  await client.start();
  await client.useHub({ address, token });
  return { client, events };
}

async function answer(client: EngineClient): Promise<string> {
  const image = new Blob([await loadFixture('pocket/test-2026-0.png')], { type: 'image/png' });
  const { text } = await client.generate({
    ...{ images: [image], picture: 'a.png', question: 'Count the red squares. How many?', expected: null },
    ...{ mode: 'cot', temperature: 0, topP: 1, topK: 0, repetitionPenalty: 1, seed: 1 },
    ...{ maxNewTokens: 12, maxImageTokens: 1024, capture: false, adapter: null },
  });
  return text;
}

/** What a killed Worker held comes free a moment later. */
async function patiently<T>(run: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await run();
    } catch (error) {
      const { code } = error as { code?: string };
      if (tries === 50 || !/storage\/(model-busy|model-in-use|failed)/.test(code ?? '')) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const bytesAsked = (requests: readonly { path: string; range: string | null }[]): string[] =>
  requests.flatMap(({ path, range }) =>
    path.endsWith('model.safetensors') && range !== null ? [range] : [],
  );

afterEach(async () => {
  for (const worker of workers.splice(0)) worker.terminate();
  const { client } = await fresh('http://localhost:1/');
  for (const { key } of await client.listStoredModels()) await patiently(() => client.deleteModel(key));
  expect(await client.listStoredModels()).toEqual([]);
  for (const worker of workers.splice(0)) worker.terminate();
  for (const address of hubs.splice(0)) await commands.closeHub(address);
});

it('arrives over a hub with faults, answers as the built-in copy, and again with the hub off', async () => {
  const address = await openHub([{ id: 'tiny/pocket', folder: POCKET }]);
  await commands.planFaults(address, [
    { path: 'config.json', fault: 'server-error' },
    ...(['cut-body', 'expired', 'whole-file'] as const).map((fault) => ({
      path: 'model.safetensors',
      fault,
    })),
    { path: 'tokenizer.json', fault: 'altered-byte' },
  ]);
  const first = await fresh(address);
  await expect(first.client.load('tiny/pocket')).rejects.toMatchObject({ code: 'model/not-here' });
  await first.client.downloadModel('tiny/pocket', 'main');
  // Facts travel on a port of their own: the last may come after the command's result.
  const last = () => first.events.findLast((event) => event.type === 'downloadProgressed');
  await expect.poll(() => last()?.loaded).toBe(last()?.total);
  expect(last()).toMatchObject({ id: 'tiny/pocket' });
  expect((await first.client.listModels()).map(({ id }) => id)).toEqual(['pocket', 'tiny/pocket']);
  const loaded = await first.client.load('tiny/pocket', { precision: 'f32' });
  expect(loaded.entry).toMatchObject({ id: 'tiny/pocket', label: 'tiny/pocket' });
  const given = await answer(first.client);
  const [stored] = await first.client.listStoredModels();
  expect(stored).toMatchObject({ id: 'tiny/pocket', revision: 'main', whole: true });
  expect(stored?.lastUse).toMatchObject({ precision: 'f32' });
  await expect(first.client.deleteModel(stored?.key ?? '')).rejects.toMatchObject({
    code: 'storage/model-in-use',
  });
  await first.client.load('pocket');
  expect(await answer(first.client)).toBe(given);

  await commands.closeHub(address);
  const second = await fresh(address);
  await second.client.downloadModel('tiny/pocket', 'main');
  await second.client.load('tiny/pocket');
  expect(await answer(second.client)).toBe(given);
});

it('goes on where a killed Worker was, and after a pause', async () => {
  const address = await openHub([{ id: 'tiny/long', folder: POCKET, padding: PADDING }]);
  // The first piece comes, the others never.
  await commands.planFaults(
    address,
    ([null, 'stall', 'stall'] as const).map((fault) => ({ path: 'model.safetensors', fault })),
  );
  const first = await fresh(address);
  const cut = first.client.downloadModel('tiny/long', 'main');
  cut.catch(() => undefined);
  await expect
    .poll(async () => (await first.client.listStoredModels())[0]?.bytes ?? 0, { timeout: 20_000 })
    .toBeGreaterThan(8 << 20);
  for (const worker of workers.splice(0)) worker.terminate();
  await commands.hubRequests(address);

  const second = await fresh(address);
  await patiently(() => second.client.downloadModel('tiny/long', 'main'));
  const asked = bytesAsked(await commands.hubRequests(address));
  expect(asked.length).toBeGreaterThan(0);
  // What was kept before the end of the Worker is not asked for again.
  expect(asked.some((range) => range.startsWith('bytes=0-'))).toBe(false);
  await second.client.load('tiny/long', { precision: 'f32' });
  expect(await answer(second.client)).not.toBe('');
});

it('says where to accept a licence, and takes a token', async () => {
  const address = await openHub([{ id: 'gated/pocket', folder: POCKET }]);
  await commands.gateModel(address, 'gated/pocket', 'secret');
  const { client } = await fresh(address);
  await expect(client.downloadModel('gated/pocket', 'main')).rejects.toMatchObject({
    code: 'model/hub-gated',
    data: { page: `${address}gated/pocket` },
  });
  await client.useHub({ address, token: 'secret' });
  await client.downloadModel('gated/pocket', 'main');
  const requests = await commands.hubRequests(address);
  expect(requests.filter(({ host, token }) => host === 'storage' && token)).toEqual([]);
  expect((await client.listStoredModels())[0]).toMatchObject({ id: 'gated/pocket', whole: true });
});
