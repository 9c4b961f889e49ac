// Totals and the promise to keep them, where the browser answers, refuses, or has no such interface.
import { afterEach, expect, it, vi } from 'vitest';
import { askToPersist, storageTotals } from '../../src/storage/usage';

afterEach(() => vi.unstubAllGlobals());

it('gives zeros and no promise where there is no interface', async () => {
  vi.stubGlobal('navigator', undefined);
  expect(await storageTotals()).toEqual({ usedBytes: 0, quotaBytes: 0, persisted: false });
  expect(await askToPersist()).toBe(false);
});

it('passes on what the browser says', async () => {
  const persist = vi.fn(async () => true);
  const storage = {
    estimate: async () => ({ usage: 5, quota: 9 }),
    persisted: async () => false,
    persist,
  };
  vi.stubGlobal('navigator', { storage });
  expect(await storageTotals()).toEqual({ usedBytes: 5, quotaBytes: 9, persisted: false });
  expect(await askToPersist()).toBe(true);
  storage.persisted = async () => true;
  expect(await askToPersist()).toBe(true);
  expect(persist).toHaveBeenCalledTimes(1);
});

it('takes a refusal for a no', async () => {
  const refuse = () => Promise.reject(new DOMException('no', 'SecurityError'));
  vi.stubGlobal('navigator', { storage: { estimate: refuse, persisted: refuse, persist: refuse } });
  expect(await storageTotals()).toEqual({ usedBytes: 0, quotaBytes: 0, persisted: false });
  expect(await askToPersist()).toBe(false);
});
