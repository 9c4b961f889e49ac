// The Library over a scripted engine: what each adapter is, renaming, importing by picker and drop, and the question before
// something is deleted.
import { fireEvent, screen, within } from '@testing-library/preact';
import { describe, expect, it } from 'vitest';
import { LibraryPage } from '../../../src/ui/library/library_page';
import { DeleteConfirm } from '../../../src/ui/library/stored_items';
import { adapterOf, runOf, settled } from '../../state/train_script';
import { renderIn } from '../page_script';
import { shelf } from '../page_state';

const MINE = adapterOf('mine', {
  ...{ name: 'Mine', notes: 'Looks twice.', createdAt: 5, bytes: 3 << 20, parameters: 74_752 },
  targetModules: [0, 1].map((layer) => `model.layers.${layer}.self_attn.q_proj`),
  run: { id: 'r1', method: 'sft', step: 90 },
  metrics: Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`metric${i}`, i / 3])),
});
const OTHER = adapterOf('other', {
  ...{ name: 'Other', modelId: 'big', createdAt: 9, precision: 'int4' },
  caution: 'Trained over other weights.',
});
const BUNDLED = adapterOf('bundled', { name: 'Came along', bundled: true });

async function shown(runs = [runOf('r1', { bytes: 2048 })]) {
  const made = await shelf({ adapters: [BUNDLED, MINE, OTHER], runs });
  renderIn(
    made,
    <LibraryPage {...{ library: made.library, hubAdapter: made.hubAdapter, backup: made.backup }} />,
  );
  await settled();
  // The page asks for the lists again when it is shown.
  await made.engine.resolve('listAdapters', [BUNDLED, MINE, OTHER]);
  await made.engine.resolve('listRuns', runs);
  await made.engine.resolve('listDatasets', []);
  return made;
}

const item = (id: string) => {
  const found = document.querySelector<HTMLElement>(`[data-id="${id}"]`);
  if (found === null) throw new Error(`no item ${id}`);
  return within(found);
};
const fact = (id: string, term: string) => item(id).getByText(term).nextElementSibling?.textContent;
const names = (id: string) =>
  item(id)
    .getAllByRole('button')
    .map((one) => one.getAttribute('aria-label'));

describe('an adapter of the list', () => {
  it('is told by where it came from, what it changes, and how large it is', async () => {
    await shown();
    expect(fact('mine', 'From')).toBe('an SFT run, step 90');
    expect(fact('mine', 'Base model')).toBe('Pocket');
    expect(fact('mine', 'LoRA')).toBe('rank 8, alpha 16');
    expect(fact('mine', 'Targets')).toBe('q_proj');
    expect([fact('mine', 'Parameters'), fact('mine', 'Size')]).toEqual(['74,752', '3.0 MiB']);
    expect(item('mine').getByText('2 more')).toBeTruthy();
    expect(fact('other', 'Trained over')).toBe('weights in int4');
    expect(item('mine').queryByText('Trained over')).toBeNull();
    expect(item('other').getByTestId('adapter-caution').textContent).toContain('Trained over other weights.');
    expect(item('mine').queryByTestId('adapter-caution')).toBeNull();
    expect([fact('other', 'From'), fact('bundled', 'From')]).toEqual([
      'elsewhere (imported)',
      'comes with the page',
    ]);
  });

  it('stands with the newest own ones first', async () => {
    await shown();
    const order = screen.getAllByTestId('library-adapter').map((one) => one.getAttribute('data-id'));
    expect(order).toEqual(['other', 'mine', 'bundled']);
  });

  it('can be tried where its model is here, and not renamed or deleted where it came with the page', async () => {
    await shown();
    expect(names('mine')).toEqual(['Try it: Mine', 'Rename Mine', 'Export Mine', 'Delete Mine']);
    expect(names('other')).toEqual(['Rename Other', 'Export Other', 'Delete Other']);
    expect(names('bundled')).toEqual(['Try it: Came along', 'Export Came along']);
    expect(fact('other', 'Base model')).toBe('big (not among the models here)');
  });

  it('keeps its name until the new one is saved', async () => {
    const { engine } = await shown();
    fireEvent.click(item('mine').getByRole('button', { name: 'Rename Mine' }));
    await settled();
    const name = item('mine').getByLabelText<HTMLInputElement>('Name');
    fireEvent.input(name, { target: { value: ' ' } });
    await settled();
    expect(item('mine').getByRole<HTMLButtonElement>('button', { name: 'Save' }).disabled).toBe(true);
    fireEvent.input(name, { target: { value: ' New ' } });
    await settled();
    fireEvent.click(item('mine').getByRole('button', { name: 'Save' }));
    await engine.reject('renameAdapter', { code: 'storage/full', message: 'No room.' });
    expect(item('mine').getByLabelText<HTMLInputElement>('Name').value).toBe(' New ');
    expect(screen.getByRole('alert').getAttribute('data-code')).toBe('storage/full');
    fireEvent.click(item('mine').getByRole('button', { name: 'Cancel' }));
    await settled();
    expect(item('mine').getByRole('heading', { name: 'Mine' })).toBeTruthy();
    expect(engine.values.get('renameAdapter')).toEqual(['mine', { name: 'New', notes: 'Looks twice.' }]);
  });
});

describe('an import', () => {
  const pair = ['adapter_config.json', 'adapter_model.safetensors'].map((name) => new File(['x'], name));
  const handed = (engine: Awaited<ReturnType<typeof shelf>>['engine']) => {
    const [files, name] = engine.values.get('importAdapter') as [{ path: string }[], string];
    return [files.map(({ path }) => path), name];
  };

  it('takes the two files of an adapter, or a zip, which names it', async () => {
    const { engine } = await shown();
    const input = screen.getByTestId<HTMLInputElement>('adapter-import');
    fireEvent.change(input, { target: { files: pair } });
    await settled();
    expect(handed(engine)).toEqual([['adapter_config.json', 'adapter_model.safetensors'], 'Adapter']);
    await engine.reject('importAdapter', { code: 'storage/archive', message: 'Adapter is no adapter.' });
    expect(screen.getByRole('alert').textContent).toContain('both files, their folder, or a zip');
    fireEvent.change(input, { target: { files: [new File(['x'], 'Looks twice.zip')] } });
    await settled();
    expect(handed(engine)).toEqual([['Looks twice.zip'], 'Looks twice']);
  });

  it('takes a backup for what it is', async () => {
    const { engine } = await shown();
    const input = screen.getByTestId<HTMLInputElement>('adapter-import');
    fireEvent.change(input, { target: { files: [new File(['…library.json…PK\x05\x06'], 'b.zip')] } });
    await expect.poll(() => engine.values.get('restoreBackup')).toBeTruthy();
    expect(engine.calls).not.toContain('importAdapter');
    expect(screen.getByTestId('backup-pace')).toBeTruthy();
  });

  it('takes a folder from its own picker', async () => {
    const { engine } = await shown();
    const input = screen.getByTestId<HTMLInputElement>('adapter-import-folder');
    expect(input.hasAttribute('webkitdirectory')).toBe(true);
    const files = pair.map((file) =>
      Object.assign(new File(['x'], file.name), { webkitRelativePath: `mine/${file.name}` }),
    );
    fireEvent.change(input, { target: { files } });
    await settled();
    expect(handed(engine)).toEqual([['mine/adapter_config.json', 'mine/adapter_model.safetensors'], 'mine']);
  });

  it('takes a folder that is dropped', async () => {
    const { engine } = await shown();
    const children = pair.map((file) => ({
      ...{ isFile: true, fullPath: `/dropped/${file.name}` },
      file: (resolve: (file: File) => void) => resolve(file),
    }));
    let parts = [children, []];
    const readEntries = (resolve: (part: unknown[]) => void) => {
      resolve(parts[0] ?? []);
      parts = parts.slice(1);
    };
    const folder = { isFile: false, fullPath: '/dropped', createReader: () => ({ readEntries }) };
    const dataTransfer = { types: ['Files'], items: [{ kind: 'file', webkitGetAsEntry: () => folder }] };
    fireEvent(document, Object.assign(new Event('drop', { cancelable: true }), { dataTransfer }));
    await settled();
    expect(handed(engine)).toEqual([
      ['dropped/adapter_config.json', 'dropped/adapter_model.safetensors'],
      'dropped',
    ]);
  });
});

describe('a dataset about to be deleted', () => {
  it('can be exported as an image folder, and that can be stopped', async () => {
    const { engine, library } = await shown();
    const doomed = { item: 'dataset', id: 'd1', name: 'Set', bytes: 9 } as const;
    renderIn(await shelf(), <DeleteConfirm {...{ library, doomed }} onDone={() => undefined} />);
    await settled();
    fireEvent.click(screen.getByTestId('export-first'));
    await settled();
    const dialog = screen.getByRole('dialog');
    expect(engine.values.get('exportDataset')).toEqual(['d1']);
    expect(dialog.textContent).toContain('Exporting…');
    fireEvent.click(within(dialog).getByRole('button', { name: 'Stop exporting' }));
    expect(engine.calls).toContain('cancelBackup');
    await engine.reject('exportDataset', { code: 'storage/cancelled', message: 'It was cancelled.' });
    expect(library.error.value).toBeNull();
    expect(dialog.textContent).not.toContain('Exporting…');
    fireEvent.click(screen.getByTestId('export-first'));
    await settled();
    await engine.resolve('exportDataset', new Blob(['zip']));
    expect(dialog.textContent).toContain('Exported: look in your downloads.');
  });
});

describe('deleting', () => {
  it('asks first, and says what it frees and which runs need the item', async () => {
    const plan = { ...runOf('r1').plan, name: 'Goes on', adapterId: 'mine' };
    const { engine } = await shown([runOf('r1', { plan, checkpointStep: 4 })]);
    fireEvent.click(item('mine').getByRole('button', { name: 'Delete Mine' }));
    await settled();
    const dialog = within(screen.getByRole('dialog'));
    expect(dialog.getByRole('heading', { name: 'Delete adapter “Mine”?' })).toBeTruthy();
    expect(dialog.getByText('This frees 3.0 MiB. It cannot be undone.')).toBeTruthy();
    expect(dialog.getByTestId('delete-effect').textContent).toBe(
      'The run “Goes on” continues it and can still be resumed: its checkpoint holds a copy.',
    );
    fireEvent.click(dialog.getByRole('button', { name: 'Cancel' }));
    await settled();
    expect([screen.queryByRole('dialog'), engine.calls.includes('deleteAdapter')]).toEqual([null, false]);
  });

  it('deletes after a yes, and says what is free again', async () => {
    const { engine } = await shown();
    fireEvent.click(screen.getByRole('button', { name: 'Delete Pocket GRPO, quick' }));
    await settled();
    fireEvent.click(screen.getByTestId('confirm-yes'));
    await settled();
    expect(engine.values.get('deleteRun')).toEqual(['r1']);
    await engine.resolve('deleteRun', 2048);
    await engine.resolve('listRuns', []);
    expect(screen.getByTestId('library-news').textContent).toContain(
      'Run “Pocket GRPO, quick” was deleted; 2.0 KiB are free again.',
    );
  });

  it('is not offered for a run that is going on', async () => {
    await shown([runOf('r1', { state: 'running' })]);
    const button = screen.getByRole<HTMLButtonElement>('button', { name: 'Delete Pocket GRPO, quick' });
    expect([button.disabled, button.title]).toEqual([
      true,
      'It is going on: press “Stop” on the Train page first.',
    ]);
  });
});

describe('an adapter of the hub', () => {
  const form = () => within(screen.getByRole('form', { name: 'Adapter of the hub' }));
  const write = async (text: string) => {
    fireEvent.input(form().getByRole('textbox'), { target: { value: text } });
    await settled();
  };

  it('is asked for by its name alone, and says what a name is', async () => {
    await shown();
    expect(form().getByText(/It has to be made for Pocket\./)).toBeTruthy();
    await write('nonsense');
    expect(form().getByText(/^Write organisation\/name/)).toBeTruthy();
    expect(form().getByRole<HTMLButtonElement>('button', { name: 'Fetch it' }).disabled).toBe(true);
  });

  it('says how much has arrived, and can be cancelled without an error', async () => {
    const { engine } = await shown();
    await write('https://huggingface.co/org/lora/tree/v2');
    fireEvent.click(form().getByRole('button', { name: 'Fetch it' }));
    await settled();
    expect(engine.values.get('importHubAdapter')).toEqual(['org/lora', 'v2']);
    expect(screen.getByTestId('hub-adapter-pace').textContent).toBe('Asking the hub for org/lora…');
    engine.emit({ type: 'downloadProgressed', id: 'org/lora', loaded: 1 << 20, total: 4 << 20 });
    await settled();
    expect(screen.getByTestId('hub-adapter-pace').textContent).toBe('1.0 MiB of 4.0 MiB');
    expect(form().getByRole('progressbar').getAttribute('value')).toBe(`${1 << 20}`);
    fireEvent.click(form().getByRole('button', { name: 'Cancel' }));
    expect(engine.calls).toContain('cancelHubAdapter');
    await engine.reject('importHubAdapter', { code: 'adapter/cancelled', message: 'It was cancelled.' });
    expect(screen.queryByRole('alert')).toBeNull();
    expect(form().getByRole<HTMLInputElement>('textbox').value).toContain('org/lora');
  });

  it('is told when it is here, and named when it does not fit', async () => {
    const { engine } = await shown();
    await write('org/lora');
    fireEvent.click(form().getByRole('button', { name: 'Fetch it' }));
    await settled();
    await engine.reject('importHubAdapter', {
      code: 'adapter/base',
      message: 'Made for the model "org/large".',
    });
    expect(screen.getByRole('alert').textContent).toContain('Made for the model "org/large".');
    fireEvent.click(form().getByRole('button', { name: 'Fetch it' }));
    await settled();
    await engine.resolve('importHubAdapter', adapterOf('new', { name: 'org/lora' }));
    await engine.resolve('listAdapters', [BUNDLED, MINE, OTHER, adapterOf('new', { name: 'org/lora' })]);
    expect(screen.getByTestId('library-news').textContent).toContain('“org/lora” was imported.');
    expect(form().getByRole<HTMLInputElement>('textbox').value).toBe('');
  });
});

describe('everything that is kept', () => {
  const stored = (kind: 'adapter' | 'run' | 'model', id: string, bytes: number, usedAt: number | null) =>
    ({ kind, id, name: `The ${id}`, bytes, usedAt, origin: 'run', whole: usedAt !== null }) as const;
  const USAGE = {
    ...{ usedBytes: 5, quotaBytes: 50, persisted: false },
    items: [
      stored('adapter', 'mine', 9, 3),
      stored('model', 'part', 5, null),
      stored('run', 'r1', 7, Date.now()),
    ],
  };
  const rows = () =>
    within(within(screen.getByTestId('storage-usage')).getByRole('table'))
      .getAllByRole('row')
      .slice(1, -1)
      .map((row) => row.querySelector('th')?.textContent);

  async function listed() {
    const made = await shown();
    await made.engine.resolve('storageUsage', USAGE);
    return made;
  }

  it('is one table that sorts by each of its columns', async () => {
    await listed();
    expect(rows()).toEqual(['The mine', 'The r1', 'The part']);
    const sort = async (name: RegExp) => {
      fireEvent.click(screen.getByRole('button', { name }));
      await settled();
      return rows();
    };
    expect(await sort(/^Last use/)).toEqual(['The r1', 'The mine', 'The part']);
    expect(await sort(/^Last use/)).toEqual(['The part', 'The mine', 'The r1']);
    expect(screen.getByRole('columnheader', { name: /^Last use/ }).getAttribute('aria-sort')).toBe(
      'ascending',
    );
    expect(await sort(/^Name/)).toEqual(['The mine', 'The part', 'The r1']);
  });

  it('says what could go and why, and asks before it goes', async () => {
    await listed();
    const found = within(screen.getByTestId('clean-ups'));
    expect(found.getAllByRole('listitem').map((one) => one.textContent)).toEqual([
      'Adapter “The mine”, 9 B: not used for 30 days.',
      'Model “The part”, 5 B: a download that was cut off; it can still go on.',
    ]);
    fireEvent.click(found.getByRole('button', { name: 'Delete adapter The mine' }));
    await settled();
    expect(screen.getByRole('dialog').textContent).toContain('Delete adapter “The mine”?');
  });

  it('can be exported before it goes', async () => {
    const { engine } = await listed();
    fireEvent.click(screen.getByRole('button', { name: 'Delete run The r1' }));
    await settled();
    expect(document.activeElement?.textContent).toBe('Cancel');
    fireEvent.click(screen.getByTestId('export-first'));
    await settled();
    expect(engine.values.get('exportRun')).toEqual(['r1', 'zip']);
    await engine.reject('exportRun', { code: 'storage/missing', message: 'It is gone.' });
    expect(screen.getByRole('dialog').textContent).not.toContain('Exported');
  });
});
