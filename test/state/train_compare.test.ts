// Runs that are compared: the shown one always among them, five at most, followed while they train.
import { describe, expect, it } from 'vitest';
import { createTrain } from '../../src/state/train';
import { MOST_COMPARED } from '../../src/state/train_compare';
import { detailOf, HandTrainer, runOf, settled, stepped } from './train_script';

async function opened(count: number) {
  const runs = Array.from({ length: count }, (_, i) => runOf(`r${i + 1}`));
  const client = Object.assign(new HandTrainer(), { runs });
  const train = createTrain(client);
  const opening = train.open();
  await settled();
  // The newest is shown.
  await client.resolve('readRun', detailOf(runOf(`r${count}`), 3));
  await opening;
  return { client, train, compare: train.compare };
}
const ids = ({ compare }: Awaited<ReturnType<typeof opened>>) =>
  compare.runs.value.map(({ summary }) => summary.id);

describe('the comparison', () => {
  it('is empty until a run is chosen, and has the shown one first', async () => {
    const made = await opened(3);
    expect(ids(made)).toEqual([]);
    made.compare.toggle('r3');
    expect(ids(made)).toEqual([]);
    made.compare.toggle('r1');
    expect(ids(made)).toEqual(['r3', 'r1']);
    expect(made.compare.runs.value[1]?.record).toBeNull();
    await made.client.resolve('readRun r1', detailOf(runOf('r1'), 2));
    expect(made.compare.runs.value.map(({ record }) => record?.metrics.length)).toEqual([3, 2]);
    made.compare.toggle('r1');
    expect(ids(made)).toEqual([]);
  });

  it('holds five runs', async () => {
    const made = await opened(7);
    for (const id of ['r1', 'r2', 'r3', 'r4']) made.compare.toggle(id);
    expect(made.compare.full.value).toBe(true);
    made.compare.toggle('r5');
    expect(ids(made)).toEqual(['r7', 'r1', 'r2', 'r3', 'r4']);
    expect(ids(made)).toHaveLength(MOST_COMPARED);
    made.compare.toggle('r2');
    made.compare.toggle('r5');
    expect(ids(made)).toEqual(['r7', 'r1', 'r3', 'r4', 'r5']);
    made.compare.clear();
    expect([ids(made), made.compare.full.value]).toEqual([[], false]);
  });

  it('follows a run that trains while another is shown, and what came while it was read', async () => {
    const made = await opened(2);
    made.compare.toggle('r1');
    made.client.emit(stepped('r1', 3));
    await made.client.resolve('readRun r1', detailOf(runOf('r1'), 2));
    made.client.emit(stepped('r1', 4));
    expect(made.compare.runs.value[1]?.record?.metrics.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
  });

  it('changes places when one of its runs is shown, and keeps the others when a further one is', async () => {
    const made = await opened(4);
    made.compare.toggle('r1');
    made.compare.toggle('r2');
    void made.train.shown.select('r1');
    expect(ids(made)).toEqual(['r1', 'r2', 'r4']);
    void made.train.shown.select('r3');
    expect(ids(made)).toEqual(['r3', 'r2', 'r4']);
  });

  it('leaves out a run that could not be read, and one that was deleted', async () => {
    const made = await opened(3);
    made.compare.toggle('r1');
    made.compare.toggle('r2');
    await made.client.reject('readRun r1', { code: 'storage/missing', message: 'It is gone.' });
    expect(ids(made)).toEqual(['r3', 'r2']);
    expect(made.train.commands.failure.value?.command).toBe('read');
    void made.train.results.deleteRun('r2');
    await made.client.resolve('deleteRun r2', 1);
    expect(ids(made)).toEqual([]);
    expect(made.compare.full.value).toBe(false);
  });

  it('goes on without the shown run when that is deleted', async () => {
    const made = await opened(3);
    made.compare.toggle('r2');
    void made.train.results.deleteRun('r3');
    await made.client.resolve('deleteRun r3', 1);
    // The newest left is shown then, which was compared.
    expect(made.train.shown.selected.value?.id).toBe('r2');
    expect(ids(made)).toEqual([]);
  });
});
