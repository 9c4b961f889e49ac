// The strip of the shown run: its figures, which of its controls can be pressed when, saving, and what it says about itself.
import { fireEvent, screen } from '@testing-library/preact';
import { describe, expect, it } from 'vitest';
import { RunPanel } from '../../../src/ui/train/run_panel';
import { adapterOf, runOf, settled, statusOf, stepped } from '../../state/train_script';
import { renderTrain } from '../page_script';
import { trainPage } from '../page_state';

async function shown(change: Parameters<typeof runOf>[1] = {}, steps = 0) {
  const made = await trainPage({ runs: [runOf('r1', change)] }, steps);
  renderTrain(made.train, <RunPanel />);
  return made;
}

const button = (name: string | RegExp) => screen.getByRole<HTMLButtonElement>('button', { name });
/** What can be pressed, of the run's four controls. */
const able = () =>
  ['Pause', /^Resume/, 'Step once', 'Stop', 'Save adapter'].flatMap((name) => {
    const found = screen.queryByRole<HTMLButtonElement>('button', { name });
    return found === null || found.disabled ? [] : [found.textContent];
  });
const figure = (term: string) => screen.getByText(term).nextElementSibling?.textContent;

describe('the figures of a run', () => {
  it('are those of the engine while it works on it', async () => {
    const { client } = await shown();
    expect([figure('Step'), figure('Time per step'), figure('Left'), figure('Last checkpoint')]).toEqual([
      '4 of 20',
      '–',
      '–',
      'step 4',
    ]);
    client.emit(statusOf('r1', 'running', 10, { phase: 'sampling', fraction: 0.5, secondsPerStep: 30 }));
    await settled();
    expect([figure('Step'), figure('Time per step'), figure('Left'), figure('Now')]).toEqual([
      '10 of 20',
      '30 s (measured)',
      'about 5 min at this pace',
      'sampling answers, 50 %',
    ]);
  });

  it('of another run are not shown for this one', async () => {
    const { client } = await shown();
    client.emit(statusOf('r2', 'running', 9));
    await settled();
    expect([figure('Step'), figure('Now')]).toEqual(['4 of 20', '–']);
    expect(able()).toEqual(['Save adapter']);
  });
});

describe('the controls of a run', () => {
  it('can be pressed where they mean something', async () => {
    const { client } = await shown();
    expect(able()).toEqual(['Resume', 'Step once', 'Save adapter']);
    client.emit(statusOf('r1', 'running', 5));
    await settled();
    expect(able()).toEqual(['Pause', 'Stop', 'Save adapter']);
    client.emit(statusOf('r1', 'pausing', 5));
    await settled();
    expect(able()).toEqual(['Stop', 'Save adapter']);
    client.emit(statusOf('r1', 'paused', 5));
    await settled();
    expect(able()).toEqual(['Resume', 'Step once', 'Stop', 'Save adapter']);
    client.emit(statusOf('r1', 'finished', 20));
    await settled();
    expect(able()).toEqual(['Save adapter']);
  });

  it('wait for a command that is under way', async () => {
    const { client } = await shown();
    fireEvent.click(button('Resume'));
    await settled();
    expect(client.calls.at(-1)).toBe('resumeTraining r1');
    expect(able()).toEqual(['Save adapter']);
    await client.reject('resumeTraining', { code: 'storage/full', message: 'No room.' });
    expect(screen.getByRole('alert').textContent).toContain('The run could not go on: Storage is full');
    expect(able()).toEqual(['Resume', 'Step once', 'Save adapter']);
  });

  it('offer no adapter before the first checkpoint', async () => {
    await shown({ step: 0, checkpointStep: null });
    expect(able()).toEqual(['Resume', 'Step once']);
    expect(screen.getByTestId('interrupted').textContent).toContain('Resuming begins it again.');
  });

  it('say from which step a run goes on that failed', async () => {
    await shown({ state: 'failed', reason: { code: 'gpu/out-of-memory', message: '' } });
    expect(able()).toEqual(['Resume from step 4', 'Step once', 'Save adapter']);
  });
});

describe('saving an adapter', () => {
  it('offers the best checkpoint where there is another than the last', async () => {
    const { client } = await shown({ best: { step: 2, metric: 'accuracy', value: 0.5 } });
    fireEvent.click(button('Save adapter'));
    await settled();
    const which = screen.getByLabelText<HTMLSelectElement>('Checkpoint');
    fireEvent.change(which, { target: { value: 'best' } });
    await settled();
    expect(screen.getByLabelText<HTMLInputElement>('Name of the adapter').value).toBe(
      'Pocket GRPO, quick, step 2',
    );
    fireEvent.click(button('Save'));
    await settled();
    expect(client.calls.at(-1)).toBe('saveAdapter r1 Pocket GRPO, quick, step 2 best');
  });

  it('chooses the proposed name once, so that what is typed is not replaced by the next key', async () => {
    await shown();
    fireEvent.click(button('Save adapter'));
    await settled();
    const name = screen.getByLabelText<HTMLInputElement>('Name of the adapter');
    expect([name.selectionStart, name.selectionEnd]).toEqual([0, name.value.length]);
    for (const value of ['K', 'Ke']) {
      name.value = value;
      name.setSelectionRange(value.length, value.length);
      fireEvent.input(name);
      await settled();
    }
    expect([name.value, name.selectionStart, name.selectionEnd]).toEqual(['Ke', 2, 2]);
  });

  it('proposes a name, takes no empty one, and stays open when it fails', async () => {
    const { client } = await shown();
    fireEvent.click(button('Save adapter'));
    await settled();
    const name = screen.getByLabelText<HTMLInputElement>('Name of the adapter');
    expect(name.value).toBe('Pocket GRPO, quick, step 4');
    fireEvent.input(name, { target: { value: '  ' } });
    await settled();
    expect(button('Save').disabled).toBe(true);
    fireEvent.input(name, { target: { value: ' Mine ' } });
    await settled();
    fireEvent.click(button('Save'));
    await settled();
    expect(client.calls.at(-1)).toBe('saveAdapter r1 Mine');
    await client.reject('saveAdapter r1 Mine', { code: 'storage/full', message: 'No room.' });
    expect(screen.getByLabelText('Name of the adapter')).toBe(name);
    fireEvent.click(button('Save'));
    await settled();
    client.adapters = [adapterOf('a1', { name: 'Mine' })];
    await client.resolve('saveAdapter r1 Mine', client.adapters[0]);
    expect(screen.queryByLabelText('Name of the adapter')).toBeNull();
    expect(
      screen
        .getByText(/Saved as Mine\./)
        .querySelector('a')
        ?.getAttribute('href'),
    ).toBe('#/library');
  });

  it('is given up by Escape, with the focus back on its button', async () => {
    await shown();
    fireEvent.click(button('Save adapter'));
    await settled();
    fireEvent.keyDown(screen.getByLabelText('Name of the adapter'), { key: 'Escape' });
    await settled();
    expect(document.activeElement).toBe(button('Save adapter'));
  });
});

describe('what a run says about itself', () => {
  it('is where it waits, after its tab was closed', async () => {
    await shown();
    expect(screen.getByTestId('interrupted').textContent).toContain('This run waits at step 4.');
  });

  it('is that another tab may have it, while it is live and not here', async () => {
    await shown({ state: 'running' });
    expect(screen.getByText('This run was interrupted, or another tab works on it.')).toBeTruthy();
    expect(able()).toEqual(['Resume', 'Step once', 'Save adapter']);
  });

  it('is why it paused, with half the learning rate offered where numbers blew up', async () => {
    const { train } = await shown({ reason: { code: 'train/not-finite', message: 'Step 5: the loss.' } });
    expect(screen.getByRole('alert').textContent).toContain('Step 5: the loss.');
    fireEvent.click(button('Plan again at half the learning rate'));
    await settled();
    expect(train.plan.plan.value).toMatchObject({
      name: 'Pocket GRPO, quick',
      optim: { learningRate: 5e-4 },
    });
    expect(train.plan.preset.value).toBeNull();
  });

  it('is a notice, not an error, where nothing is wrong now', async () => {
    await shown({ reason: { code: 'train/left-out', message: '3 rows were left out.' } });
    expect(screen.queryByRole('alert')).toBeNull();
    expect(screen.getByText('3 rows were left out.')).toBeTruthy();
  });

  it('are signs of trouble over the last five steps', async () => {
    const { client } = await shown({}, 0);
    const bad = { 'completions/clipped_ratio': 0.9 };
    client.emit(...[1, 2, 3, 4].map((step) => stepped('r1', step, bad)));
    await settled();
    expect(document.querySelector('[data-alert]')).toBeNull();
    client.emit(stepped('r1', 5, bad));
    await settled();
    expect(document.querySelector('[data-alert="cut-off"]')?.textContent).toContain(
      'Raise “Longest answer”.',
    );
  });

  it('is how to begin, where there is no run', async () => {
    const { train } = await trainPage();
    renderTrain(train, <RunPanel />);
    expect(screen.getByText('No run yet. Choose under “Preset” and press “Start”.')).toBeTruthy();
  });
});
