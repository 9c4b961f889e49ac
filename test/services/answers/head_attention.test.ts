// What single heads attended to, as the page gets it, and the command that fetches it: cancelled, and ended by a question.
import { expect, it } from 'vitest';
import { headAttention } from '../../../src/services/answers/head_attention';
import type { HeadsRequest } from '../../../src/worker/protocol/answers';
import { REQUEST, ready } from './scripted_engine';

const { images, question, mode, maxImageTokens, adapter } = REQUEST;
const HEADS: HeadsRequest = { images, question, mode, maxImageTokens, adapter, ids: [1, 2] };

it('adds up what falls on and behind the image, and lays maps out on tiles', () => {
  const split = { rows: 1, cols: 2 };
  const placed = { imageTokens: 3, split, grid: [1, 2] as const, resizedWidth: 2, resizedHeight: 1 };
  const masses = Float32Array.of(0.5, 0.125, 0.0625, 0.0625, 0.25);
  const capture = { masses, maps: Float32Array.of(1, 2, 4) };
  const made = headAttention(capture, { imageTokens: 3, pictures: [placed] }, 1, 1);
  expect([...made.masses]).toEqual([0.125, 0.0625, 0.25, 0.5]);
  expect([...made.maps]).toEqual([3, 4]);
});

it('gives every layer and head of the ids that it is asked for', async () => {
  const looks: (readonly number[])[] = [];
  const { commands, states } = await ready({ onLook: (ids) => void looks.push(ids) });
  const made = await commands.attendByHead(HEADS);
  expect(looks).toEqual([[1, 2]]);
  expect([made.layers, made.heads, made.masses.length, made.maps.length]).toEqual([4, 2, 8 * 4, 8 * 9]);
  expect(made.maps[9 + 1]).toBe(0.5);
  expect(states().at(-1)).toBe('ready');
  await expect(commands.attendByHead({ ...HEADS, images: [] })).rejects.toMatchObject({
    code: 'usage/argument',
  });
});

it('is cancelled by stop, and by the next question, which is answered', async () => {
  let goOn: () => void = () => undefined;
  const wait = () =>
    new Promise<void>((resolve) => {
      goOn = resolve;
    });
  const { commands } = await ready({ onLook: wait });
  const cancelled = { code: 'engine/cancelled' };
  const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

  const stopped = commands.attendByHead(HEADS);
  const outcome = expect(stopped).rejects.toMatchObject(cancelled);
  await turn();
  await commands.stop();
  goOn();
  await outcome;

  const overtaken = expect(commands.attendByHead(HEADS)).rejects.toMatchObject(cancelled);
  await turn();
  const answer = commands.generate(REQUEST);
  await turn();
  goOn();
  await overtaken;
  expect((await answer).answer).toBe('12');
});
