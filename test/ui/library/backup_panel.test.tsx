// The panel of backups: what it says while it works, and what a restored backup came to.
import { fireEvent, screen } from '@testing-library/preact';
import { describe, expect, it } from 'vitest';
import { BackupPanel } from '../../../src/ui/library/backup_panel';
import { settled } from '../../state/train_script';
import { renderIn } from '../page_script';
import { shelf } from '../page_state';

async function shown() {
  const made = await shelf();
  renderIn(made, <BackupPanel backup={made.backup} />);
  return made;
}

const words = () => screen.getByRole('status').textContent;

describe('the panel of backups', () => {
  it('exports everything, and can be ended on the way', async () => {
    const { engine } = await shown();
    fireEvent.click(screen.getByTestId('backup-write'));
    await settled();
    const progress = { phase: 'writing', name: 'Mine', done: 1024, total: 4096 } as const;
    engine.emit({ type: 'backupProgressed', progress });
    await settled();
    expect(screen.getByTestId('backup-pace').textContent).toBe('Writing “Mine”: 1.0 KiB of about 4.0 KiB');
    expect(screen.queryByTestId('backup-write')).toBeNull();
    fireEvent.click(screen.getByRole('button', { name: 'Cancel' }));
    expect(engine.calls).toContain('cancelBackup');
    await engine.resolve('writeBackup', { file: new File([], 'x'), bytes: 2048, items: 1 });
    expect(words()).toContain('1 item exported, 2.0 KiB. Look in your downloads.');
  });

  it('says of each item what is not as it was, and which models are missing', async () => {
    const { engine, backup } = await shown();
    void backup.restore(Promise.resolve([{ path: 'b.zip', blob: new Blob() }]));
    await settled();
    expect(screen.getByTestId('backup-pace').textContent).toBe('Looking at what is here already…');
    const item = (
      name: string,
      outcome: 'restored' | 'renamed' | 'kept' | 'refused',
      detail: string | null = null,
    ) => {
      return { kind: 'dataset', name, outcome, detail } as const;
    };
    const model = { id: 'org/model', revision: 'main', commit: 'c0ffeec0ffee' };
    await engine.resolve('restoreBackup', {
      items: [
        item('A', 'restored'),
        item('B', 'renamed', 'B (restored)'),
        item('C', 'kept'),
        item('D', 'refused', 'It is damaged.'),
      ],
      ...{ cancelled: true, settings: {}, createdAt: 0 },
      models: [
        { ...model, here: false },
        { ...model, id: 'org/here', here: true },
      ],
    });
    expect(screen.getByTestId('backup-restored').textContent).toBe(
      '2 restored, 1 here already, 1 not restored.',
    );
    expect(screen.getAllByRole('listitem').map((one) => one.textContent)).toEqual([
      'Dataset “B” has changed here since; the one of the backup is “B (restored)”.',
      'Dataset “D” was not restored. It is damaged.',
      'org/model at main (c0ffeec0)',
    ]);
    expect(words()).toContain('It was cancelled before the end.');
    fireEvent.click(screen.getByRole('button', { name: 'Close' }));
    await settled();
    expect(words()).toBe('');
  });

  it('says that a file is no backup', async () => {
    const { engine, backup } = await shown();
    void backup.restore(Promise.resolve([{ path: 'b.zip', blob: new Blob() }]));
    await settled();
    await engine.reject('restoreBackup', { code: 'storage/backup', message: 'b.zip cannot be restored.' });
    expect(screen.getByRole('alert').getAttribute('data-code')).toBe('storage/backup');
    expect(screen.getByTestId('backup-write')).toBeTruthy();
  });
});
