// Notes on the shown run: written in place, kept when the field is left, put back by a button; told in the list, and named
// by the question before the run is deleted.
import { fireEvent, screen } from '@testing-library/preact';
import { describe, expect, it } from 'vitest';
import { RunPanel } from '../../../src/ui/train/run_panel';
import { RunsPanel } from '../../../src/ui/train/runs_panel';
import { runOf, settled } from '../../state/train_script';
import { renderTrain } from '../page_script';
import { trainPage } from '../page_state';

describe('notes on the shown run', () => {
  it('are kept when the field is left, and can be put back', async () => {
    const { client, train } = await trainPage({ runs: [runOf('r1', { notes: 'First idea\nmore' })] });
    renderTrain(
      train,
      <>
        <RunPanel />
        <RunsPanel />
      </>,
    );
    expect(document.querySelector('.run-noted')?.textContent).toBe('First idea');
    const field = screen.getByLabelText<HTMLTextAreaElement>('Notes on Pocket GRPO, quick');
    const state = () => screen.getByTestId('notes-state').textContent;
    expect([field.value, state()]).toEqual(['First idea\nmore', 'Kept with the run.']);
    fireEvent.input(field, { target: { value: 'Second' } });
    expect(state()).toBe('Not kept yet…');
    fireEvent.blur(field);
    await client.resolve('noteRun r1 Second');
    expect([state(), document.querySelector('.run-noted')?.textContent]).toEqual([
      'Kept with the run.',
      'Second',
    ]);
    fireEvent.click(screen.getByText('Put back what was there before'));
    await client.resolve('noteRun r1 First idea\nmore');
    expect([field.value, screen.queryByTestId('notes-undo')]).toEqual(['First idea\nmore', null]);
    fireEvent.click(screen.getByTestId('run-delete'));
    await settled();
    expect(screen.getByText(/^Delete this run with its notes and free/)).toBeTruthy();
  });
});
