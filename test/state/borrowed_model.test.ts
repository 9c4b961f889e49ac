// Another model on the device for one piece of work: what is loaded when, and what is there in the end, whatever fails.
import { signal } from '@preact/signals';
import { describe, expect, it } from 'vitest';
import type { PlainError } from '../../src/lib/plain_error';
import { type BorrowPort, borrowModel, type Exchange } from '../../src/state/borrowed_model';

/** A page with pocket on the device; models named `large` do not fit. */
function page(before: string | null = 'pocket') {
  const loaded = signal<string | null>(before);
  const error = signal<PlainError | null>(null);
  const did: (string | null)[] = [];
  const port: BorrowPort = {
    ...{ loaded, error },
    load: async (id) => {
      did.push(`load ${id}`);
      loaded.value = id === 'large' ? null : id;
      error.value = id === 'large' ? { code: 'gpu/out-of-memory', message: 'It does not fit.' } : null;
    },
    cancel: async () => undefined,
    remember: () => () => did.push('restore'),
  };
  const told = (exchange: Exchange): void => void did.push(exchange);
  const work = async () => {
    did.push(`work with ${loaded.value}`);
    return 7;
  };
  return { port, loaded, did, told, work };
}

describe('a borrowed model', () => {
  it('is there for the work, and the one before is there again afterwards', async () => {
    const { port, loaded, did, told, work } = page();
    expect(await borrowModel(port, 'other', work, told)).toBe(7);
    expect(loaded.value).toBe('pocket');
    expect(did).toEqual([
      ...['there', 'load other', null, 'work with other'],
      ...['back', 'load pocket', 'restore', null],
    ]);
  });

  it('is given back where the work fails', async () => {
    const { port, loaded, told } = page();
    const failing = borrowModel(port, 'other', () => Promise.reject(new Error('no more')), told);
    await expect(failing).rejects.toThrow('no more');
    expect(loaded.value).toBe('pocket');
  });

  it('that does not fit says why, and the one before is there again', async () => {
    const { port, loaded, did, told, work } = page();
    await expect(borrowModel(port, 'large', work, told)).rejects.toMatchObject({ code: 'gpu/out-of-memory' });
    expect(loaded.value).toBe('pocket');
    expect(did).not.toContain('work with large');
  });

  it('that is loaded already is not exchanged, and stays where nothing was there before', async () => {
    const same = page('other');
    expect(await borrowModel(same.port, 'other', same.work, same.told)).toBe(7);
    expect(same.did).toEqual(['work with other']);
    const none = page(null);
    await borrowModel(none.port, 'other', none.work, none.told);
    expect([none.loaded.value, none.did.includes('restore')]).toEqual(['other', false]);
  });
});
