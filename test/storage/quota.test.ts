// How failures of IndexedDB become StorageErrors, and the refusal by estimate.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { StorageError } from '../../src/lib/errors';
import { ensureRoom, estimate, storageFailure } from '../../src/storage/quota';

afterEach(() => vi.unstubAllGlobals());

function stubStorage(storage: unknown): void {
  vi.stubGlobal('navigator', { storage });
}

describe('storageFailure', () => {
  it.each([
    ['QuotaExceededError', 'storage/full', /no room to save the run; nothing was changed\. Delete/],
    ['VersionError', 'storage/newer', /newer version of this page\. Reload/],
    ['InvalidStateError', 'storage/closed', /closed the storage/],
    ['SecurityError', 'storage/unavailable', /does not let the page store/],
    ['UnknownError', 'storage/failed', /could not read or write the run \(UnknownError: why\)/],
  ])('turns %s into %s', (name, code, message) => {
    const cause = new DOMException('why', name);
    const error = storageFailure(cause, 'the run');
    expect(error).toBeInstanceOf(StorageError);
    expect(error).toMatchObject({ code, cause });
    expect((error as Error).message).toMatch(message);
  });

  it('knows the newer class of the quota error by its name', () => {
    class QuotaExceededError extends Error {
      override readonly name = 'QuotaExceededError';
    }
    expect(storageFailure(new QuotaExceededError(), 'x')).toMatchObject({ code: 'storage/full' });
  });

  it('leaves other errors alone', () => {
    const own = new StorageError('storage/missing', 'm');
    const foreign = new TypeError('t');
    expect(storageFailure(own, 'x')).toBe(own);
    expect(storageFailure(foreign, 'x')).toBe(foreign);
  });
});

describe('ensureRoom', () => {
  const megabytes = (count: number) => count * 2 ** 20;

  it('refuses what clearly does not fit, with figures', async () => {
    stubStorage({ estimate: async () => ({ usage: megabytes(90), quota: megabytes(100) }) });
    await expect(ensureRoom(megabytes(11), 'the adapter "a"')).rejects.toMatchObject({
      code: 'storage/full',
      message: expect.stringContaining('the adapter "a" (11.0 MiB; about 10.0 MiB are free)'),
      data: { needed: megabytes(11), free: megabytes(10) },
    });
    await ensureRoom(megabytes(10), 'it fits exactly');
  });

  it('leaves small writes, and browsers without figures, to the browser', async () => {
    stubStorage({ estimate: async () => ({ usage: 100, quota: 100 }) });
    await ensureRoom(1000, 'x');
    stubStorage({ estimate: async () => Promise.reject(new TypeError('no')) });
    await ensureRoom(megabytes(500), 'x');
    stubStorage(undefined);
    await ensureRoom(megabytes(500), 'x');
    expect(await estimate()).toEqual({ usage: 0, quota: 0 });
  });
});
