// Work between questions: one at a time is remembered, and it ends when something better comes.
import { expect, it } from 'vitest';
import { Interludes } from '../../../src/services/answers/interludes';

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

it('ends when asked, and is over by then', async () => {
  const interludes = new Interludes();
  const ended = expect(interludes.run(untilAborted)).rejects.toMatchObject({ name: 'AbortError' });
  expect(interludes.running).toBe(true);
  await interludes.end();
  await ended;
  expect(interludes.running).toBe(false);
  expect(await interludes.run(async () => 5)).toBe(5);
});

it('remembers the work that goes on while other work is refused', async () => {
  const interludes = new Interludes();
  const first = expect(interludes.run(untilAborted)).rejects.toThrow();
  await expect(interludes.run(() => Promise.reject(new Error('busy')))).rejects.toThrow('busy');
  expect(interludes.running).toBe(true);
  await interludes.end();
  await first;
});
