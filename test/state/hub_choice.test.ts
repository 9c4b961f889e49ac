// The hub in use over a scripted engine: what is kept between visits, and when the engine hears of it.
import { describe, expect, it } from 'vitest';
import { createHubState } from '../../src/state/hub_choice';
import { HandEngine } from './engine_script';

function hubOf(kept: string | null) {
  const engine = new HandEngine();
  const store = { kept };
  const hub = createHubState(engine, {
    read: () => store.kept,
    write: (text) => {
      store.kept = text;
    },
  });
  const told = () => engine.calls.filter((name) => name === 'useHub').length;
  return { engine, store, hub, told };
}

describe('the hub in use', () => {
  it('is the known one without a word to the engine', async () => {
    const { hub, told } = hubOf(null);
    await hub.ready();
    expect([hub.choice.value.address, told()]).toEqual(['https://huggingface.co/', 0]);
  });

  it('is told to the engine once, where an earlier visit chose another', async () => {
    const { engine, hub, told } = hubOf('http://localhost:1/');
    const ready = hub.ready();
    expect(engine.values.get('useHub')).toEqual([{ address: 'http://localhost:1/', token: null }]);
    await engine.resolve('useHub');
    await ready;
    await hub.ready();
    expect(told()).toBe(1);
  });

  it('keeps the address and never the token, and nothing that the engine refused', async () => {
    const { engine, store, hub } = hubOf(null);
    const refused = expect(hub.use({ address: 'nonsense', token: 'secret' })).rejects.toMatchObject({
      code: 'model/hub-address',
    });
    await engine.reject('useHub', { code: 'model/hub-address', message: 'x' });
    await refused;
    expect(store.kept).toBeNull();
    const used = hub.use({ address: 'http://localhost:1/', token: 'secret' });
    await engine.resolve('useHub');
    await used;
    expect(store.kept).toBe('http://localhost:1/');
    expect(hub.choice.value.token).toBe('secret');
  });
});
