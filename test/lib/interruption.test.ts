// Work that ends by itself or is ended, and that nothing of it is kept.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Interruption, untilAborted } from '../../src/lib/interruption';

const never = (): Promise<never> => new Promise(() => undefined);

/** How many of the objects are alive after a collection. */
async function alive(objects: readonly WeakRef<object>[]): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // A WeakRef that was made or read is held until its turn of the event loop ends.
  await new Promise((resolve) => setTimeout(resolve));
  collect();
  return objects.filter((object) => object.deref() !== undefined).length;
}

/** Waits for so many results, and returns what remembers but does not keep them. */
async function results(wait: (work: Promise<object>) => Promise<object>): Promise<WeakRef<object>[]> {
  const found: WeakRef<object>[] = [];
  for (let count = 0; count < 20; count++) found.push(new WeakRef(await wait(Promise.resolve({ count }))));
  return found;
}

describe('an interruption', () => {
  it('says its reason to those who ask, once there is one', () => {
    const interruption = new Interruption();
    interruption.check();
    interruption.interrupt(new Error('first'));
    interruption.interrupt(new Error('second'));
    expect(() => interruption.check()).toThrow('first');
  });

  it('settles as the work does', async () => {
    const interruption = new Interruption();
    expect(await interruption.until(Promise.resolve(7))).toBe(7);
    await expect(interruption.until(Promise.reject(new Error('own')))).rejects.toThrow('own');
    await Promise.resolve();
    expect(interruption.waiting).toBe(0);
  });

  it('keeps no result', async () => {
    const interruption = new Interruption();
    expect(await alive(await results((work) => interruption.until(work)))).toBe(0);
    interruption.interrupt(new Error('gone'));
  });

  it('ends what waits and what comes later with the first reason', async () => {
    const interruption = new Interruption();
    const early = interruption.until(never());
    expect(interruption.waiting).toBe(1);
    interruption.interrupt(new Error('gone'));
    interruption.interrupt(new Error('again'));
    await expect(early).rejects.toThrow('gone');
    await expect(interruption.until(Promise.resolve(1))).rejects.toThrow('gone');
    await expect(interruption.until(Promise.reject(new Error('own')))).rejects.toThrow('gone');
    expect(interruption.waiting).toBe(0);
  });
});

describe('a signal', () => {
  it('leaves work that ends before it as it is', async () => {
    const { signal } = new AbortController();
    expect(await untilAborted(Promise.resolve(7), signal)).toBe(7);
    expect(await untilAborted(Promise.resolve(7), undefined)).toBe(7);
    await expect(untilAborted(Promise.reject(new Error('own')), signal)).rejects.toThrow('own');
  });

  it('keeps no result', async () => {
    const controller = new AbortController();
    expect(await alive(await results((work) => untilAborted(work, controller.signal)))).toBe(0);
    controller.abort();
  });

  it('ends the wait with its reason, also when it came first', async () => {
    const controller = new AbortController();
    const waiting = untilAborted(never(), controller.signal);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(untilAborted(Promise.resolve(1), controller.signal)).rejects.toThrow('enough');
    await expect(untilAborted(Promise.reject(new Error('own')), controller.signal)).rejects.toThrow('enough');
  });
});
