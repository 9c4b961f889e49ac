// Sample answers: the newest evaluation, an earlier one, and how each question went so far.
import { fireEvent, screen } from '@testing-library/preact';
import { describe, expect, it } from 'vitest';
import { SamplesPanel } from '../../../src/ui/train/samples_panel';
import { evaluated, runOf, settled } from '../../state/train_script';
import { renderTrain } from '../page_script';
import { trainPage } from '../page_state';

async function shown() {
  const made = await trainPage({ runs: [runOf('r1')] });
  renderTrain(made.train, <SamplesPanel />);
  return made;
}

const marks = () => screen.getAllByTestId('sample').map((one) => one.getAttribute('data-correct'));

describe('sample answers', () => {
  it('are those of the newest evaluation, with their score and history', async () => {
    const { client } = await shown();
    expect(screen.queryAllByTestId('sample')).toEqual([]);
    client.emit(evaluated('r1', 5, [false, false]));
    await settled();
    expect(screen.getByText(/^step 5: 0 of 2 right\./)).toBeTruthy();
    expect(screen.queryByRole('combobox')).toBeNull();
    client.emit(evaluated('r1', 10, [true, false]));
    await settled();
    expect(screen.getByText(/^step 10: 1 of 2 right\./)).toBeTruthy();
    expect(marks()).toEqual(['true', 'false']);
    expect(screen.getByText('At each evaluation so far: wrong, right')).toBeTruthy();
  });

  it('of an earlier evaluation stay when a new one comes; the newest is followed', async () => {
    const { client } = await shown();
    client.emit(evaluated('r1', 5, [false]), evaluated('r1', 10, [true]));
    await settled();
    const choice = screen.getByLabelText<HTMLSelectElement>('Evaluation at');
    fireEvent.change(choice, { target: { value: '5' } });
    client.emit(evaluated('r1', 15, [true]));
    await settled();
    expect(marks()).toEqual(['false']);
    fireEvent.change(choice, { target: { value: '15' } });
    client.emit(evaluated('r1', 20, [false]));
    await settled();
    expect(screen.getByText(/^step 20:/)).toBeTruthy();
  });
});
