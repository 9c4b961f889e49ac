// What becomes of runs whose adapter or dataset is deleted, by the state of the run.
import { describe, expect, it } from 'vitest';
import { deletionEffects } from '../../src/state/deletion_effects';
import { runOf } from './train_script';

describe('deletionEffects', () => {
  const plan = { ...runOf('r').plan, adapterId: 'a1', source: { kind: 'dataset', datasetId: 'd1' } as const };
  const effects = (item: 'adapter' | 'dataset', id: string, change: Partial<ReturnType<typeof runOf>>) =>
    deletionEffects(item, id, [runOf('r1', { plan, ...change })]).map(({ effect }) => effect);

  it('says of each run that reads the item what becomes of it', () => {
    expect(effects('adapter', 'a1', { state: 'running' })).toEqual(['live']);
    expect(effects('adapter', 'a1', { state: 'paused' })).toEqual(['kept']);
    expect(effects('adapter', 'a1', { state: 'failed', checkpointStep: null })).toEqual(['lost']);
    expect(effects('dataset', 'd1', { state: 'paused' })).toEqual(['lost']);
    expect(effects('dataset', 'd1', { state: 'pausing' })).toEqual(['live']);
    const evaluated = { ...plan, evalDatasetId: 'd2' };
    expect(effects('dataset', 'd2', { state: 'paused', plan: evaluated })).toEqual(['lost']);
  });

  it('leaves out runs that have ended and runs of other items', () => {
    expect(effects('adapter', 'a1', { state: 'finished' })).toEqual([]);
    expect(effects('dataset', 'd1', { state: 'stopped' })).toEqual([]);
    expect(effects('adapter', 'a2', { state: 'paused' })).toEqual([]);
    expect(effects('dataset', 'a1', { state: 'paused' })).toEqual([]);
  });
});
