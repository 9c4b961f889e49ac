// Saved looks of the Library over a scripted engine: what each is, opening, renaming and exporting.
import { fireEvent, screen, within } from '@testing-library/preact';
import { describe, expect, it } from 'vitest';
import { SavedLooks } from '../../../src/ui/library/saved_looks';
import type { Doomed } from '../../../src/ui/library/stored_items';
import { settled, traceOf } from '../../state/train_script';
import { renderIn } from '../page_script';
import { shelf } from '../page_state';

async function shown(
  traces = [traceOf('t1'), traceOf('t2', { name: 'Newer', adapter: 'Twice', origin: 'import' })],
) {
  const made = await shelf();
  const doomed: Doomed[] = [];
  renderIn(made, <SavedLooks library={made.library} onDelete={(item) => doomed.push(item)} />);
  void made.library.refresh();
  await settled();
  await made.engine.resolve('listTraces', traces);
  return { ...made, doomed };
}

const item = (id: string) =>
  within(document.querySelector<HTMLElement>(`[data-id="${id}"]`) ?? document.body);

describe('saved looks', () => {
  it('say what they are, the newest first', async () => {
    await shown();
    const words = screen
      .getAllByTestId('library-trace')
      .map((one) => one.querySelector('.hint')?.textContent);
    expect(words[0]).toMatch(/^Pocket · Twice, opened from a file or a link, 2\.0 KiB, last opened /);
    expect(words[1]).toMatch(/^Pocket, answered here, /);
  });

  it('say how one is saved where there is none', async () => {
    await shown([]);
    expect(
      screen.getByText(/^No look is saved yet\. Where an answer is shared on the Look page/),
    ).toBeTruthy();
  });

  it('are opened on the Look page, and a file that is none is refused there', async () => {
    const { engine, look } = await shown();
    fireEvent.click(item('t1').getByRole('button', { name: /^Open/ }));
    await settled();
    expect(engine.values.get('openTrace')).toEqual(['t1']);
    await engine.resolve('openTrace', new Blob(['no trace']));
    await expect.poll(() => look.traceError.value?.code).toBe('data/trace');
    expect(location.hash).toBe('#/look');
    location.hash = '';
  });

  it('are renamed in place, and the list is fetched before it is done', async () => {
    const { engine, library } = await shown();
    fireEvent.click(item('t1').getByRole('button', { name: /^Rename/ }));
    await settled();
    expect(item('t1').queryByLabelText('Notes')).toBeNull();
    fireEvent.input(item('t1').getByLabelText('Name'), { target: { value: ' New ' } });
    fireEvent.click(item('t1').getByRole('button', { name: 'Save' }));
    await settled();
    expect(engine.values.get('renameTrace')).toEqual(['t1', 'New']);
    await engine.resolve('renameTrace', undefined);
    await engine.resolve('listTraces', [traceOf('t1', { name: 'New' })]);
    expect(item('t1').getByRole('heading', { name: 'New' })).toBeTruthy();
    expect(library.news.value).toEqual({ kind: 'renamed', name: 'New' });
  });

  it('are exported, and asked about before they go', async () => {
    const { engine, doomed } = await shown();
    fireEvent.click(item('t2').getByRole('button', { name: 'Export Newer' }));
    await settled();
    expect(engine.values.get('exportTrace')).toEqual(['t2']);
    await engine.resolve('exportTrace', new Blob(['{}']));
    fireEvent.click(item('t2').getByRole('button', { name: 'Delete Newer' }));
    expect(doomed).toEqual([{ item: 'trace', id: 't2', name: 'Newer', bytes: 2048 }]);
  });
});
