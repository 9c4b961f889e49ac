// What a scope frees, in which order, and when.
import { beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { GpuScope, inPassingScope, inScope } from '../../src/gpu/gpu_scope';
import { testGpu } from '../harness/gpu';

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});

/** A part that writes its name when it is freed. */
const part = (name: string, freed: string[]) => ({ destroy: () => void freed.push(name) });

describe('GpuScope', () => {
  it('frees its parts in reverse, once, and can be used again', () => {
    const freed: string[] = [];
    const before = gpu.counters.bufferBytes;
    const scope = new GpuScope(gpu);
    scope.own(part('first', freed));
    const second = scope.own(part('second', freed));
    scope.own(part('third', freed));
    expect(scope.storage(32, 'storage')).toMatchObject({ offset: 0, bytes: 32 });
    expect(gpu.counters.bufferBytes).toBe(before + 32);
    scope.free(second);
    scope.free(second);
    scope.free({});
    scope.destroy();
    scope.destroy();
    expect(freed).toEqual(['second', 'third', 'first']);
    expect(gpu.counters.bufferBytes).toBe(before);
    scope.own(part('again', freed));
    scope.destroy();
    expect(freed.at(-1)).toBe('again');
  });
});

describe('inScope', () => {
  it('keeps what was made, and frees it all when the making fails, at once or later', async () => {
    const freed: string[] = [];
    const made = inScope(gpu, (scope) => scope.own(part('kept', freed)));
    await inScope(gpu, async (scope) => scope.own(part('kept later', freed)));
    expect(made.destroy).toBeTypeOf('function');
    expect(freed).toEqual([]);
    const fail = (scope: GpuScope): never => {
      scope.own(part('a', freed));
      scope.own(part('b', freed));
      throw new Error('no room');
    };
    expect(() => inScope(gpu, fail)).toThrow('no room');
    expect(freed).toEqual(['b', 'a']);
    await expect(inScope(gpu, async (scope) => fail(scope))).rejects.toThrow('no room');
    expect(freed).toEqual(['b', 'a', 'b', 'a']);
  });
});

describe('inPassingScope', () => {
  it('frees what was used, whatever came of it', async () => {
    const freed: string[] = [];
    expect(await inPassingScope(gpu, async (scope) => !!scope.own(part('used', freed)))).toBe(true);
    const failing = inPassingScope(gpu, async (scope) => {
      scope.own(part('failed', freed));
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(freed).toEqual(['used', 'failed']);
  });
});
