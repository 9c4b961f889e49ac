// Work that is asked for while it runs: once more afterwards, and asked for by nobody any more when it is over.
import { expect, it } from 'vitest';
import { coalesced } from '../../src/state/coalesced';

it('runs once more for all that asked meanwhile, and all wait for that', async () => {
  const ends: (() => void)[] = [];
  const work = coalesced(() => new Promise<void>((end) => ends.push(end)));
  const over: string[] = [];
  const first = work().then(() => over.push('first'));
  const later = [work(), work()].map((one) => one.then(() => over.push('later')));
  expect(ends).toHaveLength(1);
  ends[0]?.();
  await Promise.resolve();
  await Promise.resolve();
  expect([ends.length, over]).toEqual([2, []]);
  ends[1]?.();
  await Promise.all([first, ...later]);
  expect(over).toHaveLength(3);
  void work();
  expect(ends).toHaveLength(3);
});
