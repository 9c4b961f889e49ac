// A run that is followed: nothing is lost of what happens while it is read, and nothing is taken when that failed.
import { describe, expect, it } from 'vitest';
import { followRun } from '../../src/state/followed_run';
import { createTrainCommands } from '../../src/state/train_commands';
import { detailOf, HandTrainer, runOf, stepped } from './train_script';

describe('a followed run', () => {
  it('has what was stored, then what came while it was read, then what comes', async () => {
    const client = new HandTrainer();
    const run = followRun(client, createTrainCommands().perform, 'r1');
    run.take([stepped('r1', 2), stepped('other', 9)]);
    run.take([stepped('r1', 3)]);
    expect(run.record.value).toBeNull();
    await client.resolve('readRun r1', detailOf(runOf('r1'), 2));
    run.take([stepped('r1', 4)]);
    expect(await run.read).toBe(true);
    expect(run.record.value?.metrics.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
  });

  it('stays without a record when it cannot be read', async () => {
    const client = new HandTrainer();
    const commands = createTrainCommands();
    const run = followRun(client, commands.perform, 'r1');
    await client.reject('readRun r1', { code: 'storage/missing', message: 'It is gone.' });
    run.take([stepped('r1', 1)]);
    expect([await run.read, run.record.value]).toEqual([false, null]);
    expect(commands.failure.value?.command).toBe('read');
  });
});
