// The real IndexedDB: migrations with data, refused and half-way upgrades, several tabs' connections, aborted writes.
import { openDB } from 'idb';
import { describe, expect, it, onTestFinished } from 'vitest';
import { cdp } from 'vitest/browser';
import { AdapterStore } from '../../src/storage/adapter_store';
import {
  MIGRATIONS,
  type Migration,
  openDatabase,
  type UpgradeTransaction,
} from '../../src/storage/database';
import { recordSize } from '../../src/storage/record_size';
import type { RunRecord } from '../../src/storage/records';
import { RunStore } from '../../src/storage/run_store';
import { TraceStore } from '../../src/storage/trace_store';
import { scratchDatabase, scratchName } from './scratch_database';

const newRun = (id: string) => ({ id, plan: { name: id }, state: 'running' as const, createdAt: 1 });
const later: Migration = async (db) => {
  db.createObjectStore('later', { keyPath: 'id' });
};

/** A connection that never lets go, as that of a tab whose page is frozen. */
async function stubbornConnection(name: string, version: number) {
  const db = await openDB(name, version);
  onTestFinished(() => db.close());
  return db;
}

describe('migrations', () => {
  it('take version 1 with data to the present', async () => {
    const name = scratchName();
    const first = await openDatabase(name, { migrations: MIGRATIONS.slice(0, 1) });
    await first.close();
    const old = await openDB(name, 1);
    const adapters = ['a', 'b'].map((id, at) => ({
      ...{ id, name: `adapter ${id}`, notes: '', modelId: 'pocket', fingerprint: 'f0', bundled: false },
      ...{ config: { r: 2 }, targetModules: ['q'], parameters: 9, createdAt: at, run: null, metrics: {} },
    }));
    for (const adapter of adapters) {
      await old.add('adapters', adapter);
      await old.add('adapterWeights', { id: adapter.id, weights: Uint8Array.of(1, 2, adapter.createdAt) });
    }
    await old.add('runs', { ...newRun('r'), step: 0, checkpointStep: null, updatedAt: 1, bytes: 0 });
    await old.add('metrics', { runId: 'r', step: 1, values: { loss: 2 }, bytes: 1 });
    const arrays = { adapter: new Float32Array(1), m: new Float32Array(1), v: new Float32Array(1) };
    await old.add('checkpoints', { runId: 'r', step: 1, ...arrays, extra: { modelId: 'pocket' }, bytes: 12 });
    old.close();

    const database = await scratchDatabase(name);
    const store = new AdapterStore(database);
    expect(await store.list()).toEqual(
      [...adapters].reverse().map((adapter) => ({
        ...adapter,
        ...{ bytes: recordSize(adapter) + 3, precision: null },
      })),
    );
    expect([...(await store.get('b')).weights]).toEqual([1, 2, 1]);
    const runs = new RunStore(database);
    await runs.saveProgress({ runId: 'r', step: 2, metrics: { loss: 1 }, groups: [], at: 2 });
    await runs.saveEvaluation({ runId: 'r', step: 2, metrics: { eval_loss: 3 }, samples: ['s'], at: 3 });
    expect(await runs.readCheckpoint('r')).toMatchObject({
      ...{ extra: { modelId: 'pocket', precision: null }, best: null },
    });
    const read = await runs.read('r');
    expect(read.metrics.map(({ step }) => step)).toEqual([1, 2]);
    expect(read.samples).toEqual([{ step: 2, samples: ['s'] }]);
  });

  it('take the evaluations of a plan out of its settings of SFT', async () => {
    const name = scratchName();
    const old = await openDB(name, 6, {
      upgrade: async (db, _from, _to, tx) => {
        for (const step of MIGRATIONS.slice(0, 6)) await step(db, tx as unknown as UpgradeTransaction);
      },
    });
    const sft = { batchSize: 2, evalSteps: 5, evalSize: 4 };
    for (const method of ['sft', 'grpo'])
      await old.add('runs', { ...newRun(method), plan: { method, sft }, step: 0, bytes: 0, groupBytes: 0 });
    old.close();
    const plans = (await new RunStore(await scratchDatabase(name)).list()).map(({ plan }) => plan);
    expect(plans).toContainEqual({
      ...{ method: 'sft', sft: { batchSize: 2 }, evalDatasetId: null },
      ...{ evalSteps: 5, evalSize: 4, evalSamples: 0 },
    });
    expect(plans).toContainEqual({
      ...{ method: 'grpo', sft: { batchSize: 2 }, evalDatasetId: null, evalSteps: 0 },
    });
  });

  it('keep the groups of the last step, which were all there was', async () => {
    const name = scratchName();
    const old = await openDB(name, 5, {
      upgrade: async (db, _from, _to, tx) => {
        for (const step of MIGRATIONS.slice(0, 5)) await step(db, tx as unknown as UpgradeTransaction);
      },
    });
    await old.add('runs', { ...newRun('r'), step: 4, checkpointStep: null, updatedAt: 1, bytes: 30 });
    await old.add('groups', { runId: 'r', step: 4, groups: ['g'], bytes: 21 });
    old.close();
    const runs = new RunStore(await scratchDatabase(name));
    expect(await new TraceStore(await scratchDatabase(name)).list()).toEqual([]);
    expect(await runs.read('r')).toMatchObject({
      ...{
        run: { groupBytes: 21, notes: '', bytes: 30 },
        groups: { step: 4, groups: ['g'] },
        groupSteps: [4],
      },
    });
  });

  it('change nothing when one of them fails', async () => {
    const name = scratchName();
    const before = await openDatabase(name);
    await new RunStore(before).create(newRun('kept'));
    await before.close();
    const broken: Migration = async (db, tx) => {
      await later(db, tx);
      await tx.objectStore('runs').clear();
      throw new TypeError('the migration has a bug');
    };
    await expect(openDatabase(name, { migrations: [...MIGRATIONS, broken] })).rejects.toThrow('has a bug');
    const after = await scratchDatabase(name);
    expect((await new RunStore(after).list()).map(({ id }) => id)).toEqual(['kept']);
  });

  it('refuse what a newer page wrote', async () => {
    const name = scratchName();
    await (await openDatabase(name, { migrations: [...MIGRATIONS, later] })).close();
    await expect(openDatabase(name)).rejects.toMatchObject({ code: 'storage/newer' });
  });
});

describe('several connections', () => {
  it('let a newer page upgrade, and say so to the older one', async () => {
    const name = scratchName();
    const old = await scratchDatabase(name);
    await new RunStore(old).create(newRun('r'));
    const newer = await scratchDatabase(name, { migrations: [...MIGRATIONS, later] });
    expect(await new RunStore(newer).list()).toHaveLength(1);
    await expect(new RunStore(old).list()).rejects.toMatchObject({ code: 'storage/newer' });
  });

  it('end a write that is under way before they let go', async () => {
    const name = scratchName();
    const old = await scratchDatabase(name);
    const writing = new RunStore(old).create(newRun('r'));
    const newer = await scratchDatabase(name, { migrations: [...MIGRATIONS, later] });
    await writing;
    expect(await new RunStore(newer).list()).toHaveLength(1);
  });

  it('give up on a tab that does not let go, and recover once it does', async () => {
    const name = scratchName();
    await (await openDatabase(name)).close();
    const frozen = await stubbornConnection(name, MIGRATIONS.length);
    const options = { migrations: [...MIGRATIONS, later], blockedMs: 0 };
    await expect(openDatabase(name, options)).rejects.toMatchObject({ code: 'storage/blocked' });
    frozen.close();
    const database = await scratchDatabase(name, options);
    await new RunStore(database).create(newRun('r'));
  });

  it('reopen after a closing that was not theirs', async () => {
    const name = scratchName();
    const database = await scratchDatabase(name);
    // Deleting needs the connection closed: the same event as an upgrade, but the version stays ours.
    const request = indexedDB.deleteDatabase(name);
    await new Promise((resolve) => {
      request.onsuccess = resolve;
    });
    expect(await new RunStore(database).list()).toEqual([]);
    await new RunStore(database).create(newRun('r'));
  });
});

describe('a connection that the browser ends', () => {
  it('is opened again for the write that was under way', async () => {
    const database = await scratchDatabase();
    const runs = new RunStore(database);
    await runs.create(newRun('r'));
    const { origin } = location;
    let attempts = 0;
    let cleared: Promise<unknown> | undefined;
    await database.write(['runs'], 'the run', async (tx) => {
      attempts += 1;
      await tx.objectStore('runs').put({ ...newRun(`attempt ${attempts}`) } as RunRecord);
      if (cleared) return;
      let over = false;
      cleared = cdp().send('Storage.clearDataForOrigin', { origin, storageTypes: 'indexeddb' });
      cleared.then(() => {
        over = true;
      });
      // Requests keep the transaction alive until the browser ends it.
      while (!over) await tx.objectStore('runs').count();
    });
    expect(attempts).toBe(2);
    expect((await runs.list()).map(({ id }) => id)).toEqual(['attempt 2']);
  });
});

describe('transactions', () => {
  it('are durable', async () => {
    const database = await scratchDatabase();
    const durability = await database.write(['runs'], 'x', async (tx) => {
      await tx.objectStore('runs').count();
      return (tx as unknown as { durability: string }).durability;
    });
    expect(durability).toBe('strict');
  });

  it('leave the old data when the body fails half-way', async () => {
    const database = await scratchDatabase();
    const runs = new RunStore(database);
    await runs.create(newRun('r'));
    const failing = database.write(['runs'], 'x', async (tx) => {
      await tx.objectStore('runs').clear();
      throw new RangeError('half-way');
    });
    await expect(failing).rejects.toThrow(RangeError);
    expect(await runs.list()).toHaveLength(1);
  });

  it('say why, not only that, a request failed', async () => {
    const database = await scratchDatabase();
    const runs = new RunStore(database);
    await runs.create(newRun('r'));
    await expect(runs.create(newRun('r'))).rejects.toMatchObject({
      code: 'storage/failed',
      data: { name: 'ConstraintError' },
    });
    await expect(runs.saveProgress({ runId: 'gone', step: 1, metrics: {}, at: 1 })).rejects.toMatchObject({
      code: 'storage/missing',
    });
    // The metrics went with the refused run.
    await runs.create(newRun('gone'));
    expect((await runs.read('gone')).metrics).toEqual([]);
  });

  it('refuse after close', async () => {
    const database = await scratchDatabase();
    await database.close();
    await expect(new RunStore(database).list()).rejects.toMatchObject({ code: 'storage/closed' });
  });
});
