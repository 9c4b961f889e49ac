// Web Locks as the stores and the engine use them: one holder, waiting in turn, giving up, release by the end.
import { describe, expect, it } from 'vitest';
import { isLocked, tryLock, withLock } from '../../src/storage/locks';

let count = 0;
const lockName = () => `test-lock-${Date.now()}-${count++}`;

describe('withLock', () => {
  it('lets one in at a time, in turn, and gives back what the body gave', async () => {
    const name = lockName();
    const events: string[] = [];
    const enter = (who: string) =>
      withLock(name, 'exclusive', undefined, async () => {
        events.push(`${who} in`);
        await new Promise((resolve) => setTimeout(resolve, 5));
        events.push(`${who} out`);
        return who;
      });
    expect(await Promise.all([enter('a'), enter('b')])).toEqual(['a', 'b']);
    expect(events).toEqual(['a in', 'a out', 'b in', 'b out']);
  });

  it('lets those who share in together', async () => {
    const name = lockName();
    let inside = 0;
    let open = (): void => undefined;
    const both = new Promise<void>((resolve) => {
      open = resolve;
    });
    const enter = () =>
      withLock(name, 'shared', undefined, async () => {
        if (++inside === 2) open();
        await both;
      });
    await Promise.all([enter(), enter()]);
    expect(inside).toBe(2);
  });

  it('gives up waiting when aborted, and frees the lock when the body fails', async () => {
    const name = lockName();
    const held = await tryLock(name);
    const controller = new AbortController();
    const waiting = withLock(name, 'exclusive', controller.signal, async () => 'never');
    controller.abort(new Error('changed my mind'));
    await expect(waiting).rejects.toThrow('changed my mind');
    held?.release();
    const failing = withLock(name, 'exclusive', undefined, () => Promise.reject(new Error('inside')));
    await expect(failing).rejects.toThrow('inside');
    expect(await withLock(name, 'exclusive', undefined, async () => 'free')).toBe('free');
  });
});

describe('tryLock', () => {
  it('is null while another holds it, also another context', async () => {
    const name = lockName();
    const held = await tryLock(name);
    expect(held).not.toBeNull();
    expect(await tryLock(name)).toBeNull();
    const source = `navigator.locks.request('${name}', { ifAvailable: true }, (lock) => postMessage(lock !== null))`;
    const ask = () =>
      new Promise((resolve) => {
        const worker = new Worker(URL.createObjectURL(new Blob([source])));
        worker.onmessage = ({ data }) => {
          worker.terminate();
          resolve(data);
        };
      });
    expect(await ask()).toBe(false);
    held?.release();
    held?.release();
    expect(await ask()).toBe(true);
    const again = await withLock(name, 'exclusive', undefined, async () => 'free again');
    expect(again).toBe('free again');
  });

  it('is freed with a holder that crashes', async () => {
    const name = lockName();
    const source = `navigator.locks.request('${name}', () => { postMessage('held'); return new Promise(() => {}); })`;
    const worker = new Worker(URL.createObjectURL(new Blob([source])));
    await new Promise((resolve) => {
      worker.onmessage = resolve;
    });
    expect(await tryLock(name)).toBeNull();
    worker.terminate();
    expect(await withLock(name, 'exclusive', undefined, async () => 'freed')).toBe('freed');
  });
});

describe('isLocked', () => {
  it('says whether somebody has it, and takes nothing', async () => {
    const name = lockName();
    expect(await isLocked(name)).toBe(false);
    const held = await tryLock(name);
    expect(await isLocked(name)).toBe(true);
    held?.release();
    const [locked, taken] = await Promise.all([isLocked(lockName()), tryLock(lockName())]);
    expect([locked, taken === null]).toEqual([false, false]);
    taken?.release();
  });
});
