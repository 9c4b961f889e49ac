// The list of runs: what each is, what can be done with it, and that none is deleted by one press.
import { fireEvent, screen, within } from '@testing-library/preact';
import { describe, expect, it } from 'vitest';
import { RunsPanel } from '../../../src/ui/train/runs_panel';
import { detailOf, runOf, settled, statusOf } from '../../state/train_script';
import { renderTrain } from '../page_script';
import { trainPage } from '../page_state';

async function shown() {
  const runs = [runOf('r1', { adapterId: 'a1', bytes: 2048 }), runOf('r2', { state: 'running' })];
  const made = await trainPage({ runs });
  renderTrain(made.train, <RunsPanel />);
  return made;
}

const row = (id: string) => {
  const found = document.querySelector<HTMLElement>(`[data-run-id="${id}"]`);
  if (found === null) throw new Error(`no row ${id}`);
  return within(found);
};
const wordsOf = (id: string) => document.querySelector(`[data-run-id="${id}"] .hint`)?.textContent;

describe('a run of the list', () => {
  it('is told by method, state, steps, size and adapter', async () => {
    await shown();
    expect(wordsOf('r1')).toMatch(/^GRPO · Paused · step 4 of 20 · .* · 2.0 KiB · adapter saved$/);
    expect(wordsOf('r2')).toMatch(/^GRPO · interrupted, or in another tab · step 4 of 20/);
  });

  it('can be shown, resumed or planned from where it is not shown', async () => {
    const { client, train } = await shown();
    // The newest is shown.
    expect(row('r2').queryByRole('button', { name: /^Resume/ })).toBeNull();
    fireEvent.click(row('r1').getByRole('button', { name: /^Show:/ }));
    await settled();
    expect(client.calls.at(-1)).toBe('readRun r1');
    await client.resolve('readRun r1', detailOf(runOf('r1')));
    expect(
      row('r1')
        .getByRole('button', { name: /^Shown:/ })
        .getAttribute('aria-pressed'),
    ).toBe('true');
    fireEvent.click(row('r2').getByRole('button', { name: /^Resume:/ }));
    await settled();
    expect(client.calls.at(-1)).toBe('resumeTraining r2');
    fireEvent.click(row('r1').getByRole('button', { name: /^Take over plan:/ }));
    expect(train.plan.preset.value).toBeNull();
    expect(train.plan.plan.value.name).toBe('Pocket GRPO, quick');
  });

  it('is deleted after a second press, which says what it frees', async () => {
    const { client } = await shown();
    fireEvent.click(row('r1').getByRole('button', { name: /^Delete:/ }));
    await settled();
    expect(client.calls).not.toContain('deleteRun r1');
    expect(row('r1').getByText('Delete this run and free 2.0 KiB? Saved adapters stay.')).toBeTruthy();
    const keep = row('r1').getByRole('button', { name: 'Keep it' });
    expect(document.activeElement).toBe(keep);
    fireEvent.click(keep);
    await settled();
    fireEvent.click(row('r1').getByRole('button', { name: /^Delete:/ }));
    await settled();
    fireEvent.click(row('r1').getByRole('button', { name: 'Delete run' }));
    await client.resolve('deleteRun r1', 2048);
    expect(document.querySelector('[data-run-id="r1"]')).toBeNull();
    expect(screen.getByText('Deleted; 2.0 KiB freed.')).toBeTruthy();
  });

  it('is asked about without taking the focus back from the answer that somebody went to', async () => {
    const { client } = await shown();
    fireEvent.click(row('r1').getByRole('button', { name: /^Delete:/ }));
    await settled();
    const yes = row('r1').getByRole('button', { name: 'Delete run' });
    yes.focus();
    client.runs = client.runs.map((run) => ({ ...run, notes: 'changed elsewhere' }));
    client.emit({ type: 'storeChanged', store: 'runs' });
    await settled();
    expect(document.activeElement).toBe(yes);
  });

  it('is not deleted while this page works on it', async () => {
    const { client } = await shown();
    client.emit(statusOf('r2', 'running', 5));
    await settled();
    expect(row('r2').getByRole<HTMLButtonElement>('button', { name: /^Delete:/ }).disabled).toBe(true);
    expect(row('r1').getByRole<HTMLButtonElement>('button', { name: /^Delete:/ }).disabled).toBe(false);
    expect(row('r1').getByRole<HTMLButtonElement>('button', { name: /^Resume:/ }).disabled).toBe(true);
  });

  it('says why it could not be exported', async () => {
    const { client } = await shown();
    fireEvent.click(row('r1').getByRole('button', { name: 'Export Pocket GRPO, quick as CSV' }));
    expect(
      row('r1').getByRole('button', { name: 'Export Pocket GRPO, quick as a zip with its plan' }),
    ).toBeTruthy();
    await client.reject('exportRun r1', { code: 'storage/missing', message: 'It is gone.' });
    expect(screen.getByRole('alert').textContent).toContain('The run could not be exported');
  });
});

describe('a run that is not shown', () => {
  it('says in what it is set unlike the one that is', async () => {
    const { plan } = runOf('r1');
    const grpo = { ...plan.grpo, scaleRewards: 'none', maskTruncatedCompletions: true } as const;
    const other = runOf('r1', { plan: { ...plan, name: 'Bare', maxSteps: 7, grpo } });
    const made = await trainPage({ runs: [other, runOf('r2'), runOf('r0')] });
    renderTrain(made.train, <RunsPanel />);
    const table = within(row('r1').getByTestId('run-differences'));
    expect(table.getByText('3 settings unlike Pocket GRPO, quick')).toBeTruthy();
    expect(table.getAllByRole('row').map((one) => [...one.children].map((cell) => cell.textContent))).toEqual(
      [
        ['Setting', 'Bare', 'Pocket GRPO, quick'],
        ['Steps', '7', String(plan.maxSteps)],
        ['Divide advantages by', 'Nothing', 'Deviation of the group'],
        ['Ignore answers that were cut off', 'on', 'off'],
      ],
    );
    expect(row('r0').getByText('Set as Pocket GRPO, quick')).toBeTruthy();
    expect(row('r2').queryByTestId('run-differences')).toBeNull();
  });
});
