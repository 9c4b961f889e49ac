// The keys of the Train page, and that journey by keyboard alone: start, pause, go on, save an adapter, each from where the
// focus is then.
import { fireEvent, screen } from '@testing-library/preact';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTrain } from '../../../src/state/train';
import { PRESETS } from '../../../src/state/train_presets';
import { keepFocus } from '../../../src/ui/keep_focus';
import { letterKeys } from '../../../src/ui/look/view_settings';
import { listenToTrainKeys } from '../../../src/ui/train/train_keys';
import { TrainPage } from '../../../src/ui/train/train_page';
import { adapterOf, detailOf, HandTrainer, runOf, settled, statusOf } from '../../state/train_script';
import { drawNothing } from '../page_canvas';
import { renderIn } from '../page_script';
import { shelf, trainPage } from '../page_state';

beforeAll(drawNothing);
afterEach(() => {
  letterKeys.value = true;
});

async function shown(run = runOf('r1')) {
  const client = Object.assign(new HandTrainer(), { runs: [run] });
  const stored = await shelf();
  const train = createTrain(client);
  renderIn(stored, <TrainPage train={train} library={stored.library} />);
  await settled();
  await client.resolve('readRun', detailOf(run, 3));
  return { client, train };
}
const press = async (key: string, on: Element = document.body) => {
  fireEvent.keyDown(on, { key });
  await settled();
};

describe('keys of the Train page', () => {
  it('pause the shown run and let it go on, and take one step', async () => {
    const { client } = await shown();
    await press('s');
    expect(client.calls.at(-1)).toBe('stepTraining r1');
    await client.resolve('stepTraining r1');
    await press(' ');
    expect(client.calls.at(-1)).toBe('resumeTraining r1');
    await client.resolve('resumeTraining r1', runOf('r1'));
    client.emit(statusOf('r1', 'running', 5));
    await settled();
    await press('s');
    await press(' ');
    expect(client.calls.at(-1)).toBe('pauseTraining');
    const before = client.calls.length;
    await press(' ');
    expect(client.calls).toHaveLength(before);
  });

  it('belong to the control that has the focus, and letters can be switched off', async () => {
    const { client } = await shown();
    const before = client.calls.length;
    await press(' ', screen.getByTestId('resume'));
    await press('s', screen.getByTestId('notes'));
    await press(' ', document.querySelector('summary') as Element);
    letterKeys.value = false;
    await press('s');
    expect(client.calls).toHaveLength(before);
  });

  it('act until nobody listens', async () => {
    const made = await trainPage({ runs: [runOf('r1')] });
    listenToTrainKeys(made.train)();
    const before = made.client.calls.length;
    await press('s');
    await press(' ');
    expect(made.client.calls).toHaveLength(before);
  });

  it('do nothing for a run that is over', async () => {
    const { client } = await shown(runOf('r1', { state: 'finished' }));
    const before = client.calls.length;
    await press(' ');
    await press('s');
    expect(client.calls).toHaveLength(before);
  });
});

describe('a run by keyboard alone', () => {
  it('keeps the focus where it was through pausing and going on, and gives it back after saving', async () => {
    const { client, train } = await shown();
    const stop = keepFocus(document.body);
    train.plan.copyPlan(PRESETS['sft-quick']);
    const go = screen.getByTestId<HTMLButtonElement>('resume');
    const focused = () => document.activeElement?.getAttribute('data-testid');
    // A browser takes the focus from a control that is disabled; here it cannot be taken from one that is.
    const pressAndLose = async (button: HTMLButtonElement) => {
      button.focus();
      button.blur();
      fireEvent.click(button);
      await settled();
      expect([button.disabled, focused()]).toEqual([true, null]);
    };
    await pressAndLose(go);
    await client.resolve('resumeTraining r1', runOf('r1'));
    client.emit(statusOf('r1', 'running', 5));
    await settled();
    expect(focused()).toBe('pause');
    await pressAndLose(go);
    client.emit(statusOf('r1', 'pausing', 5));
    await client.resolve('pauseTraining');
    client.emit(statusOf('r1', 'paused', 5));
    await settled();
    expect(focused()).toBe('resume');
    screen.getByTestId('save-adapter').focus();
    fireEvent.click(screen.getByTestId('save-adapter'));
    const name = screen.getByTestId<HTMLInputElement>('adapter-name');
    name.focus();
    fireEvent.submit(name.form as HTMLFormElement);
    await client.resolve('saveAdapter', adapterOf('a1', { name: 'Mine' }));
    expect(focused()).toBe('save-adapter');
    expect(screen.getByTestId('train-status').textContent).toBe('Adapter saved as Mine.');
    stop();
  });
});
