// The state of backups over a scripted engine: one at a time, how far it is, and what it came to.

import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { isBackup } from '../../src/state/backup';
import type { RestoreReport } from '../../src/worker/protocol/backup';
import { backupOf, filledItems } from '../services/backup/backup_script';
import { bare } from '../ui/page_state';
import { settled } from './train_script';

const REPORT: RestoreReport = {
  ...{ items: [], cancelled: false, models: [], createdAt: 0 },
  settings: { 'look-back/plan': '{}' },
};
const zip = Promise.resolve([{ path: 'b.zip', blob: new Blob() }]);

describe('writing a backup', () => {
  it('hands over the settings, says how far it is, and offers the file', async () => {
    const { engine, backup, saved } = bare();
    const writing = backup.write();
    await settled();
    expect(engine.values.get('writeBackup')).toEqual([{ 'look-back/theme': 'dark' }, null]);
    engine.emit({
      type: 'backupProgressed',
      progress: { phase: 'writing', name: 'Mine', done: 1, total: 4 },
    });
    expect(backup.work.value).toMatchObject({ phase: 'writing', name: 'Mine', loaded: 1, total: 4 });
    await engine.resolve('writeBackup', { file: new File([], 'x'), bytes: 9, items: 2 });
    await writing;
    expect([backup.work.value, saved]).toEqual([null, ['look-back-1970-01-01.zip']]);
    expect(backup.written.value).toMatchObject({ bytes: 9, items: 2 });
    backup.dismiss();
    expect(backup.written.value).toBeNull();
  });

  it('takes no cancelling for an error, and any other failure for one', async () => {
    const { engine, backup } = bare();
    void backup.write();
    await settled();
    backup.cancel();
    expect(engine.calls).toContain('cancelBackup');
    await engine.reject('writeBackup', { code: 'storage/cancelled', message: 'Cancelled.' });
    expect([backup.work.value, backup.error.value]).toEqual([null, null]);
    void backup.write();
    await settled();
    await engine.reject('writeBackup', { code: 'storage/full', message: 'No room.' });
    expect(backup.error.value?.code).toBe('storage/full');
  });
});

describe('files that were handed over', () => {
  it('are a backup where they end as one', async () => {
    const zip = await backupOf(await filledItems());
    const adapter = new Blob([
      zipSync({ 'adapter_config.json': new Uint8Array(9000) }) as Uint8Array<ArrayBuffer>,
    ]);
    const named = (blob: Blob) => ({ path: 'a.zip', blob });
    const asked = [
      [named(zip)],
      [named(adapter)],
      [named(zip), named(zip)],
      [],
      [named(new Blob(['library.json']))],
    ];
    expect(await Promise.all(asked.map(isBackup))).toEqual([true, false, false, false, false]);
  });
});

describe('restoring a backup', () => {
  it('takes settings, but for one that was cancelled, and one at a time', async () => {
    const { engine, backup } = bare();
    void backup.restore(zip);
    await settled();
    const calls = engine.calls.length;
    void backup.write();
    await settled();
    expect(engine.calls).toHaveLength(calls);
    await engine.resolve('restoreBackup', REPORT);
    expect(backup.restored.value).toMatchObject({ settings: 1 });
    void backup.restore(zip);
    await settled();
    await engine.resolve('restoreBackup', { ...REPORT, cancelled: true });
    expect(backup.restored.value).toMatchObject({ settings: 0 });
  });

  it('has nothing to do without a file', async () => {
    const { engine, backup } = bare();
    await backup.restore(Promise.resolve([]));
    expect(engine.calls).not.toContain('restoreBackup');
    expect(backup.work.value).toBeNull();
  });
});
