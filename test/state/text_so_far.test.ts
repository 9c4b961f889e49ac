// The segments of a growing text are those of the engine's own parser, whatever the tokens are cut into.
import { expect, it } from 'vitest';
import { createTextSoFar } from '../../src/state/text_so_far';

const TEXT = '<think>two</think><back>a1 x</back> \\boxed{2}';
const kinds = (list: readonly { kind: string; closed: boolean }[]) =>
  list.map(({ kind, closed }) => [kind, closed]);

it('names what is written and whether it is closed, and ends alike for every cut', () => {
  const whole = createTextSoFar();
  whole.push(TEXT);
  const single = createTextSoFar();
  const after = [...TEXT].map((character) => single.push(character));
  expect(kinds(after[8] ?? [])).toEqual([['think', false]]);
  const plain = (list: readonly object[]) => list.map((one) => ({ ...one, tokenStart: 0, tokenEnd: 0 }));
  expect(plain(single.end())).toEqual(plain(whole.end()));
  expect(kinds(single.end()).slice(0, 2)).toEqual([
    ['think', true],
    ['back', true],
  ]);
});
