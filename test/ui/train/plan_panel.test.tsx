// The plan over a scripted engine: fields with their problems and the way back, questions, adapters, memory, unknown words,
// and why Start is not possible.
import { signal } from '@preact/signals';
import { fireEvent, screen, within } from '@testing-library/preact';
import { describe, expect, it } from 'vitest';
import { PRESETS } from '../../../src/state/train_presets';
import { PlanPanel } from '../../../src/ui/train/plan_panel';
import {
  adapterOf,
  datasetOf,
  ESTIMATE,
  type HandTrainer,
  runOf,
  settled,
  statusOf,
} from '../../state/train_script';
import { renderTrain } from '../page_script';
import { trainPage } from '../page_state';

async function shown(change: Partial<HandTrainer> = {}) {
  const made = await trainPage(change);
  renderTrain(made.train, <PlanPanel />);
  return made;
}

const start = () => screen.getByTestId<HTMLButtonElement>('start');
const note = () => document.getElementById('start-note')?.textContent;
/** A control by its label; null where there is none. A query by label walks every element, this one the labels. */
function fieldOf(label: string): HTMLInputElement | null {
  const found = [...document.querySelectorAll('label')].find((one) => one.textContent === label);
  return found === undefined ? null : (document.getElementById(found.htmlFor) as HTMLInputElement | null);
}
const field = (label: string) => fieldOf(label) as HTMLInputElement;
/** What stands below a control: its help, or what is wrong with it. */
const noteOf = (control: HTMLElement) =>
  document.getElementById(control.getAttribute('aria-describedby') ?? '')?.textContent?.trim();

async function type(label: string, value: string): Promise<HTMLInputElement> {
  const control = field(label);
  fireEvent.change(control, { target: { value } });
  await settled();
  return field(label);
}

describe('a field of the plan', () => {
  it('reads a decimal comma, and shows the number that it took', async () => {
    const { train } = await shown();
    const control = await type('Learning rate', '0,001');
    expect(train.plan.plan.value.optim.learningRate).toBe(0.001);
    expect(control.value).toBe('0.001');
    expect(control.getAttribute('aria-invalid')).toBe('false');
  });

  it('keeps what cannot be used as it was typed, says what it must be, and holds Start back', async () => {
    await shown();
    const control = await type('Steps', '2,5x');
    expect([control.value, control.getAttribute('aria-invalid')]).toEqual(['2,5x', 'true']);
    expect(noteOf(control)).toBe('Must be a whole number from 1 to 1000000.');
    expect([start().disabled, note()]).toEqual([
      true,
      'Some settings cannot be used; they are marked above.',
    ]);
  });

  it('is put back to the preset by its own button, which is there only while it differs', async () => {
    const { train } = await shown();
    const back = 'Put Steps back to the preset';
    expect(document.querySelector(`[aria-label="${back}"]`)).toBeNull();
    await type('Steps', '7');
    expect(screen.getByText(/1 setting differs from the preset/)).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: back }));
    await settled();
    expect(train.plan.plan.value.maxSteps).toBe(PRESETS['sft-quick'].maxSteps);
    expect(document.querySelector(`[aria-label="${back}"]`)).toBeNull();
  });

  it('is drawn only where it has an effect', async () => {
    await shown();
    expect(fieldOf('Answers per question')).toBeNull();
    fireEvent.change(field('Preset'), { target: { value: 'grpo-full' } });
    await settled();
    expect(field('Answers per question').value).toBe('8');
    expect(fieldOf('Examples per step')).toBeNull();
  });

  it('is not folded away while it is wrong', async () => {
    const { train } = await shown();
    const fold = screen.getByText('Advanced').closest('details');
    expect(fold?.open).toBe(false);
    train.plan.setField('lora.r', 0);
    await settled();
    expect(fold?.open).toBe(true);
    expect(noteOf(field('Rank (r)'))).toBe('Must be a whole number from 1 to 1024.');
  });
});

describe('the questions of the plan', () => {
  it('say why a dataset cannot be learned from', async () => {
    await shown({ datasets: [datasetOf('d', 30, 0)] });
    const control = field('Questions from');
    expect([...control.querySelectorAll('option')].map((one) => one.textContent)).toEqual([
      'Built-in world of sheets and photographs',
      'Dataset d (30 rows)',
    ]);
    fireEvent.change(control, { target: { value: 'd' } });
    await settled();
    expect(noteOf(control)).toMatch(/no row of this dataset has one/);
    expect(start().disabled).toBe(true);
  });

  it('say how SFT divides them', async () => {
    await shown({ datasets: [datasetOf('d', 20, 20)] });
    fireEvent.change(field('Questions from'), { target: { value: 'd' } });
    await settled();
    // A tenth of 20 is held out; 30 steps of 8 are 240 of 18 examples.
    expect(screen.getByTestId('split').textContent).toBe(
      '20 written answers: 18 train, 2 held out, 13 epochs.',
    );
  });

  it('name the words that the model does not know, with their share and rows, before Start', async () => {
    const warning = { kind: 'unknown words', file: 'Zoo' } as const;
    const words = {
      warnings: [
        {
          ...warning,
          row: null,
          reason: '40 % of the words are unknown to the model, in 9 of 20 rows: "zebra"',
        },
        {
          ...warning,
          row: 4,
          reason: '100 % of the words of its question are unknown to the model: "zebra"',
        },
      ],
      ...{ more: 7, looked: 2000, rows: 5000 },
    };
    const { client } = await shown({ datasets: [datasetOf('d', 20, 20)], words: { d: words } });
    expect(screen.queryByTestId('plan-words')).toBeNull();
    fireEvent.change(field('Questions from'), { target: { value: 'd' } });
    await settled();
    const list = within(screen.getByTestId('plan-words'));
    expect(list.getAllByTestId('data-problem').map((one) => one.textContent)).toEqual([
      'Zoo: 40 % of the words are unknown to the model, in 9 of 20 rows: "zebra"',
      'Zoo, row 4: 100 % of the words of its question are unknown to the model: "zebra"',
    ]);
    expect(list.getByText('and 7 more')).toBeTruthy();
    expect(list.getByText('2,000 of 5,000 rows were looked at.')).toBeTruthy();
    expect(client.calls).not.toContain('startTraining');
    expect(start().disabled).toBe(false);
  });

  it('speak of a dataset that is gone', async () => {
    const { client } = await shown({ datasets: [datasetOf('d', 20, 20)] });
    fireEvent.change(field('Questions from'), { target: { value: 'd' } });
    client.datasets = [];
    client.emit({ type: 'storeChanged', store: 'datasets' });
    await settled();
    expect(screen.getByText('A dataset that is gone')).toBeTruthy();
    expect(noteOf(field('Questions from'))).toBe('This dataset is gone; choose another.');
  });
});

describe('the adapter of the plan', () => {
  it('is one of the plan’s model, and GRPO from the base is advised against', async () => {
    const adapters = [adapterOf('a1', { r: 4 }), adapterOf('b1', { modelId: 'other' })];
    const { train } = await shown({ adapters });
    const names = () => [...field('Adapter').querySelectorAll('option')].map((one) => one.textContent);
    expect(names()).toEqual(['Begin a new one', 'Adapter a1 (r 4)']);
    expect(screen.queryByText(/GRPO has little to reward/)).toBeNull();
    fireEvent.change(field('Preset'), { target: { value: 'grpo-quick' } });
    await settled();
    expect(screen.getByText(/GRPO has little to reward/)).toBeTruthy();
    fireEvent.change(field('Adapter'), { target: { value: 'a1' } });
    await settled();
    expect(train.plan.plan.value.adapterId).toBe('a1');
    expect(screen.queryByText(/GRPO has little to reward/)).toBeNull();
    expect(
      screen.getByText('The adapter that is continued has its own rank, alpha and targets.'),
    ).toBeTruthy();
  });
});

describe('the memory of the plan', () => {
  it('is said with what can be trained', async () => {
    await shown();
    const box = within(screen.getByTestId('estimate'));
    expect(box.getByText('3.0 MiB on the graphics device: it fits.')).toBeTruthy();
    expect(box.getByText('74,752 trainable parameters.')).toBeTruthy();
    expect(note()).toBe('');
  });

  it('that is too much holds Start back and leads to the setting that helps', async () => {
    const advice = 'Set tokensPerMicroBatch to 1024.';
    await shown({ estimate: { ...ESTIMATE, fits: false, advice } });
    expect([start().disabled, note()]).toEqual([true, 'This plan does not fit into memory.']);
    expect(screen.getByText(advice)).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'Change Tokens at a time' }));
    await new Promise(requestAnimationFrame);
    expect(document.activeElement).toBe(field('Tokens at a time'));
    expect(screen.getByText('Advanced').closest('details')?.open).toBe(true);
  });

  it('that cannot be measured keeps nobody from starting', async () => {
    await shown({ estimate: { code: 'gpu/device-lost', message: 'gone' } });
    expect(screen.getByText(/The memory could not be measured\./)).toBeTruthy();
    expect(start().disabled).toBe(false);
  });

  it('of another model is not shown for this one', async () => {
    const { train } = await shown();
    const port = { models: signal([{ id: 'pocket', label: 'Pocket' }]), loaded: signal('big') };
    train.models.useModels({ ...port, load: async () => undefined });
    await settled();
    expect(screen.getByText('Measured once Pocket is loaded.')).toBeTruthy();
    expect([start().disabled, note()]).toEqual([false, 'Loads Pocket first, and measures the memory.']);
  });
});

describe('Start', () => {
  it('starts the plan of the form, and waits while a run is live', async () => {
    const { client } = await shown({ runs: [runOf('r1')] });
    await type('Steps', '7');
    fireEvent.click(start());
    await settled();
    expect(client.started?.maxSteps).toBe(7);
    expect(start().disabled).toBe(true);
    await client.reject('startTraining', { code: 'train/busy', message: 'another tab' });
    const alert = screen.getByRole('alert');
    expect(alert.textContent).toContain('The run could not start: Another run is under way');
    fireEvent.click(within(alert).getByRole('button', { name: 'Dismiss' }));
    await settled();
    expect(screen.queryByRole('alert')).toBeNull();
    client.emit(statusOf('r1', 'running', 5));
    await settled();
    expect(start().disabled).toBe(true);
    expect(note()).toBe('Another run is under way: press “Pause” or “Stop” first.');
    expect(screen.getByText(/fits\.$/)).toBeTruthy();
  });
});
