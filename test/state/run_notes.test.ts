// Notes on runs: kept by what was written last, never lost when they cannot be kept, and put back.
import { describe, expect, it } from 'vitest';
import { createRunNotes } from '../../src/state/run_notes';
import { createTrainCommands } from '../../src/state/train_commands';
import { HandTrainer, runOf, settled } from './train_script';

function made() {
  const client = new HandTrainer();
  const commands = createTrainCommands();
  let run = runOf('r1', { notes: 'old' });
  const changeRun = (_: string, change: Partial<typeof run>) => {
    run = { ...run, ...change };
  };
  const notes = createRunNotes(client, commands.perform, { changeRun });
  return { client, commands, notes, run: () => run };
}

describe('notes on a run', () => {
  it('are what is stored until something is written, and saved by a flush', async () => {
    const { client, notes, run } = made();
    expect([notes.textOf(run()), notes.unsaved('r1'), notes.before(run())]).toEqual(['old', false, null]);
    await notes.flush();
    expect(client.calls).toEqual([]);
    notes.write(run(), 'new');
    expect([notes.textOf(run()), notes.unsaved('r1'), notes.before(run())]).toEqual(['new', true, 'old']);
    void notes.flush();
    await client.resolve('noteRun r1 new');
    expect([run().notes, notes.textOf(run()), notes.unsaved('r1')]).toEqual(['new', 'new', false]);
    await notes.flush();
    expect(client.calls).toEqual(['noteRun r1 new']);
  });

  it('can be put back to what was there before this page changed them', async () => {
    const { client, notes, run } = made();
    for (const text of ['one', 'two']) {
      notes.write(run(), text);
      void notes.flush();
      await client.resolve(`noteRun r1 ${text}`);
    }
    expect(notes.before(run())).toBe('old');
    notes.write(run(), 'old');
    void notes.flush();
    await client.resolve('noteRun r1 old');
    expect([run().notes, notes.before(run())]).toEqual(['old', null]);
  });

  it('stay when they cannot be kept, and are tried again', async () => {
    const { client, commands, notes, run } = made();
    notes.write(run(), 'new');
    void notes.flush();
    await client.reject('noteRun r1 new', { code: 'storage/full', message: 'No room.' });
    expect(commands.failure.value?.command).toBe('notes');
    expect([notes.textOf(run()), notes.unsaved('r1'), run().notes]).toEqual(['new', true, 'old']);
    void notes.flush();
    await client.resolve('noteRun r1 new');
    expect([notes.unsaved('r1'), run().notes]).toEqual([false, 'new']);
  });

  it('that are written while others are being saved are saved in their turn', async () => {
    const { client, notes, run } = made();
    notes.write(run(), 'a');
    void notes.flush();
    notes.write(run(), 'ab');
    await client.resolve('noteRun r1 a');
    expect([notes.textOf(run()), notes.unsaved('r1')]).toEqual(['ab', true]);
    void notes.flush();
    await client.resolve('noteRun r1 ab');
    expect([run().notes, notes.unsaved('r1')]).toEqual(['ab', false]);
  });

  it('that another tab changed are shown, unless this page has some that are not kept', async () => {
    const { client, notes, run } = made();
    notes.write(run(), 'mine');
    void notes.flush();
    await client.resolve('noteRun r1 mine');
    expect(notes.textOf({ ...run(), notes: 'theirs' })).toBe('theirs');
    notes.write(run(), 'mine again');
    expect(notes.textOf({ ...run(), notes: 'theirs' })).toBe('mine again');
    await settled();
  });
});
