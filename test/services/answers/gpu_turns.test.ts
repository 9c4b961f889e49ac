// Turns on the device: answers wait for a pass, steps wait for answers, and a step given up leaves nothing locked.
import { describe, expect, it } from 'vitest';
import { GpuTurns } from '../../../src/services/answers/gpu_turns';

const tick = () => new Promise((resolve) => setTimeout(resolve, 0));

function deferred() {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

describe('GpuTurns', () => {
  it('answers at once when nothing trains', async () => {
    expect(await new GpuTurns().answer(async () => 7)).toBe(7);
  });

  it('answers only when the step passes, and the step goes on after all answers', async () => {
    const turns = new GpuTurns();
    const told: string[] = [];
    const [submit, first] = [deferred(), deferred()];
    const step = turns.train(async () => {
      told.push('submit 1');
      await submit.promise;
      await turns.pass();
      told.push('submit 2');
    });
    const answer = (name: string) =>
      turns.answer(async () => {
        told.push(`${name} begins`);
        await first.promise;
        told.push(`${name} ends`);
      });
    const answers = [answer('a'), answer('b')];
    await tick();
    expect(told).toEqual(['submit 1']);
    submit.resolve();
    await tick();
    expect(told).toEqual(['submit 1', 'a begins', 'b begins']);
    first.resolve();
    await Promise.all([step, ...answers]);
    expect(told.slice(3)).toEqual(['a ends', 'b ends', 'submit 2']);
  });

  it('begins no step while an answer runs', async () => {
    const turns = new GpuTurns();
    const running = deferred();
    const answer = turns.answer(() => running.promise);
    let began = false;
    const step = turns.train(async () => {
      began = true;
    });
    await tick();
    expect(began).toBe(false);
    running.resolve();
    await Promise.all([answer, step]);
    expect(began).toBe(true);
  });

  it('lets go of an answer that is cancelled while it waits, and of a step', async () => {
    const turns = new GpuTurns();
    const submit = deferred();
    const step = turns.train(() => submit.promise);
    const controller = new AbortController();
    const answer = turns.answer(async () => 1, controller.signal);
    controller.abort();
    await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
    submit.resolve();
    await step;
    const running = deferred();
    const second = turns.answer(() => running.promise);
    const waiting = new AbortController();
    const other = turns.train(async () => 2, waiting.signal);
    waiting.abort();
    await expect(other).rejects.toMatchObject({ name: 'AbortError' });
    running.resolve();
    await second;
  });

  it('is free after a step that failed, or that was given up while it passed', async () => {
    const turns = new GpuTurns();
    await expect(turns.train(() => Promise.reject(new Error('lost')))).rejects.toThrow('lost');
    const running = deferred();
    const given = deferred();
    let answer: Promise<void> = Promise.resolve();
    const step = turns.train(async () => {
      answer = turns.answer(() => running.promise);
      // The step ends while its pass still waits for the answer.
      void turns.pass();
      await given.promise;
    });
    await tick();
    given.resolve();
    await step;
    running.resolve();
    await answer;
    await tick();
    expect(await turns.answer(async () => 3)).toBe(3);
    await turns.pass();
  });
});
