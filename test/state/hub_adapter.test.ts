// Fetching an adapter of the hub, over a scripted engine: one at a time, after the engine knows which hub to ask.
import { expect, it } from 'vitest';
import { createHubAdapter } from '../../src/state/hub_adapter';
import { createLibrary } from '../../src/state/library';
import { HandEngine } from './engine_script';

function stateOf(ready: () => Promise<void>) {
  const engine = new HandEngine();
  const library = createLibrary(engine);
  const hubAdapter = createHubAdapter({ client: engine, library, hub: { ready }, now: () => 0 });
  return { engine, library, hubAdapter };
}

it('asks nothing before the engine knows the hub, and says why when it cannot', async () => {
  const { engine, library, hubAdapter } = stateOf(async () => {
    throw Object.assign(new Error('no'), { code: 'model/hub-address' });
  });
  expect(await hubAdapter.fetch({ id: 'org/a', revision: null })).toBe(false);
  expect(library.error.value?.code).toBe('model/hub-address');
  expect(engine.calls).not.toContain('importHubAdapter');
  expect(hubAdapter.fetching.value).toBeNull();
});

it('fetches one at a time, and takes no progress of anything else', async () => {
  const { engine, hubAdapter } = stateOf(async () => undefined);
  const first = hubAdapter.fetch({ id: 'org/a', revision: null });
  expect(await hubAdapter.fetch({ id: 'org/b', revision: null })).toBe(false);
  engine.emit({ type: 'downloadProgressed', id: 'org/model', loaded: 5, total: 9 });
  expect(hubAdapter.fetching.value).toMatchObject({ id: 'org/a', loaded: 0, total: 0 });
  await Promise.resolve();
  expect(engine.values.get('importHubAdapter')).toEqual(['org/a', 'main']);
  await engine.reject('importHubAdapter', { code: 'model/hub-missing', message: 'x' });
  expect(await first).toBe(false);
  expect(hubAdapter.fetching.value).toBeNull();
});
