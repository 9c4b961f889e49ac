// Adapters on the device: reused, replaced oldest first, never across devices, freed exactly once.
import { describe, expect, it } from 'vitest';
import { StorageError } from '../../../src/lib/errors';
import type { LoraAdapter } from '../../../src/model/lora';
import { AdapterShelf } from '../../../src/services/answers/adapter_shelf';
import type { Loaded } from '../../../src/services/answers/engine';

function shelfOf() {
  const told: string[] = [];
  const deleted = new Set<string>();
  const shelf = new AdapterShelf({
    library: {
      has: async (id) => !deleted.has(id),
      startOf: async (id) => {
        if (deleted.has(id)) throw new StorageError('storage/missing', 'gone');
        return { config: { baseModel: id }, weights: [] } as never;
      },
    },
    createAdapter: (_, { config }) => {
      const id = (config as { baseModel: string }).baseModel;
      told.push(`+${id}`);
      return { destroy: () => told.push(`-${id}`) } as unknown as LoraAdapter;
    },
  });
  return { shelf, told, deleted };
}

function loadedOn() {
  let lost = false;
  return { loaded: { gpu: { isLost: () => lost } } as unknown as Loaded, lose: () => (lost = true) };
}

describe('AdapterShelf', () => {
  it('keeps the last two, and frees the one not used for longest', async () => {
    const { shelf, told } = shelfOf();
    const { loaded } = loadedOn();
    const a = await shelf.adapterFor('a', loaded);
    await shelf.adapterFor('b', loaded);
    expect(await shelf.adapterFor('a', loaded)).toBe(a);
    await shelf.adapterFor('c', loaded);
    expect(told).toEqual(['+a', '+b', '+c', '-b']);
    shelf.release();
    expect(told.slice(4).sort()).toEqual(['-a', '-c']);
    shelf.release();
    expect(told).toHaveLength(6);
  });

  it('uploads again on another device, and frees nothing on a lost one', async () => {
    const { shelf, told } = shelfOf();
    const [one, two] = [loadedOn(), loadedOn()];
    await shelf.adapterFor('a', one.loaded);
    one.lose();
    await shelf.adapterFor('a', two.loaded);
    expect(told).toEqual(['+a', '+a']);
  });

  it('does not answer with a deleted adapter, and frees it in its turn', async () => {
    const { shelf, told, deleted } = shelfOf();
    const { loaded } = loadedOn();
    await shelf.adapterFor('a', loaded);
    deleted.add('a');
    expect(told).toEqual(['+a']);
    await expect(shelf.adapterFor('a', loaded)).rejects.toMatchObject({ code: 'storage/missing' });
    await shelf.adapterFor('b', loaded);
    await shelf.adapterFor('c', loaded);
    expect(told).toEqual(['+a', '+b', '+c', '-a']);
  });
});
