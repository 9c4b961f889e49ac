// The client over a real message channel: commands, events, errors with codes, and a Worker that dies.

import { expose } from 'comlink';
import { describe, expect, it } from 'vitest';
import { createEngineClient, type EngineEndpoint } from '../../src/worker/client';
import { COMMAND_NAMES } from '../../src/worker/commands';
import type { EngineEvent } from '../../src/worker/protocol/messages';

const tick = () => new Promise((done) => setTimeout(done, 5));

/** An endpoint whose other side is `engine`, and a way to make it report a crash. */
function endpointOf(engine: object): EngineEndpoint & { crash(message: string): void; terminated: boolean } {
  const { port1, port2 } = new MessageChannel();
  expose(engine, port2);
  const onError: ((event: Event) => void)[] = [];
  return {
    terminated: false,
    postMessage: (message, transfer) => port1.postMessage(message, transfer ?? []),
    addEventListener: (type, listener) => {
      if (type === 'error') onError.push(listener as (event: Event) => void);
      else port1.addEventListener(type, listener);
    },
    removeEventListener: (type, listener) => port1.removeEventListener(type, listener),
    start: () => port1.start(),
    terminate() {
      this.terminated = true;
      port1.close();
      port2.close();
    },
    crash(message) {
      for (const listener of onError) listener(Object.assign(new Event('error'), { message }));
    },
  };
}

function engineOf(overrides: object = {}) {
  const state: { port: MessagePort | null } = { port: null };
  const engine = {
    connect: async (port: MessagePort) => {
      state.port = port;
      return { version: 5 };
    },
    listModels: async () => [],
    load: () => new Promise(() => undefined),
    stop: async () => undefined,
    ...overrides,
  };
  return { engine, state };
}

describe('createEngineClient', () => {
  it('hands over the port and delivers batches in order', async () => {
    const { engine, state } = engineOf();
    const endpoint = endpointOf(engine);
    const client = createEngineClient(() => endpoint);
    const seen: EngineEvent[] = [];
    const unlisten = client.listen((events) => seen.push(...events));
    await client.start();
    const ready: EngineEvent = { type: 'stateChanged', state: 'ready' };
    const idle: EngineEvent = { type: 'stateChanged', state: 'idle' };
    state.port?.postMessage({ version: 5, events: [ready, idle] });
    state.port?.postMessage({ version: 5, events: [ready] });
    await tick();
    expect(seen).toEqual([ready, idle, ready]);
    unlisten();
    state.port?.postMessage({ version: 5, events: [idle] });
    await tick();
    expect(seen).toHaveLength(3);
    endpoint.terminate?.();
  });

  it('forwards every command by its name with all of its values, files by structured clone', async () => {
    const heard: unknown[][] = [];
    const echo =
      (name: string) =>
      async (...values: unknown[]) => {
        heard.push([name, ...values]);
        return name;
      };
    const { engine } = engineOf(Object.fromEntries(COMMAND_NAMES.map((name) => [name, echo(name)])));
    const endpoint = endpointOf(engine);
    const client = createEngineClient(() => endpoint);
    await client.start();
    for (const name of COMMAND_NAMES) {
      const command = client[name] as unknown as (...values: unknown[]) => Promise<unknown>;
      expect(await command(name, { n: 1 }, null)).toBe(name);
    }
    expect(heard).toEqual(COMMAND_NAMES.map((name) => [name, name, { n: 1 }, null]));
    await client.previewDataset([{ path: 'a/b.jsonl', blob: new Blob(['x']) }], {
      mapping: null,
      split: null,
    });
    const [, files] = heard.at(-1) as [string, { path: string; blob: Blob }[]];
    expect(files[0]?.path).toBe('a/b.jsonl');
    expect(await files[0]?.blob.text()).toBe('x');
    endpoint.terminate?.();
  });

  it('rejects with the code that the engine threw', async () => {
    const { engine } = engineOf({
      listModels: async () => {
        throw { code: 'model/download', message: 'models.json: 404', data: { status: 404 } };
      },
    });
    const endpoint = endpointOf(engine);
    const client = createEngineClient(() => endpoint);
    await client.start();
    await expect(client.listModels()).rejects.toEqual({
      code: 'model/download',
      message: 'models.json: 404',
      data: { status: 404 },
    });
    endpoint.terminate?.();
  });

  it('rejects what is pending when the Worker dies, tells it as an event, and starts again', async () => {
    const endpoints = [endpointOf(engineOf().engine), endpointOf(engineOf().engine)];
    let at = 0;
    const client = createEngineClient(() => endpoints[at++] as EngineEndpoint);
    const seen: EngineEvent[] = [];
    client.listen((events) => seen.push(...events));
    await client.start();
    const pending = client.load('pocket');
    const outcome = expect(pending).rejects.toMatchObject({
      code: 'worker/crashed',
      message: /out of memory/,
    });
    await tick();
    endpoints[0]?.crash('out of memory');
    endpoints[0]?.crash('out of memory');
    await outcome;
    expect(seen).toEqual([
      { type: 'failed', error: { code: 'worker/crashed', message: expect.any(String) } },
    ]);
    await client.start();
    expect(endpoints[0]?.terminated).toBe(true);
    expect(await client.listModels()).toEqual([]);
    endpoints[1]?.terminate?.();
  });

  it('refuses another version and commands before the start', async () => {
    const endpoint = endpointOf(engineOf({ connect: async () => ({ version: 2 as never }) }).engine);
    const client = createEngineClient(() => endpoint);
    await expect(client.stop()).rejects.toMatchObject({ code: 'worker/crashed' });
    await expect(client.start()).rejects.toMatchObject({ code: 'worker/version' });
    endpoint.terminate?.();
  });
});
