// Work that ends by itself or is ended, and that nothing of it is kept.
import { expect, it } from 'vitest';
import { Interruption } from '../../src/lib/interruption';

it('settles as the work does, and keeps nothing of it', async () => {
  const interruption = new Interruption();
  expect(await interruption.until(Promise.resolve(7))).toBe(7);
  await expect(interruption.until(Promise.reject(new Error('own')))).rejects.toThrow('own');
  await Promise.resolve();
  expect(interruption.waiting).toBe(0);
});

it('ends what waits and what comes later with the first reason', async () => {
  const interruption = new Interruption();
  const never = new Promise(() => undefined);
  const early = interruption.until(never);
  expect(interruption.waiting).toBe(1);
  interruption.interrupt(new Error('gone'));
  interruption.interrupt(new Error('again'));
  await expect(early).rejects.toThrow('gone');
  await expect(interruption.until(Promise.resolve(1))).rejects.toThrow('gone');
  await expect(interruption.until(Promise.reject(new Error('own')))).rejects.toThrow('gone');
  expect(interruption.waiting).toBe(0);
});
