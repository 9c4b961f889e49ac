// The whole Train page over a scripted engine: panels by method, the words of its live region, and the model that a plan
// needs.
import { fireEvent, screen } from '@testing-library/preact';
import { beforeAll, describe, expect, it } from 'vitest';
import { createTrain } from '../../../src/state/train';
import { TrainPage } from '../../../src/ui/train/train_page';
import { LOADED_MODEL } from '../../state/engine_script';
import {
  detailOf,
  evaluated,
  grouped,
  HandTrainer,
  runOf,
  settled,
  statusOf,
} from '../../state/train_script';
import { drawNothing } from '../page_canvas';
import { renderIn } from '../page_script';
import { shelf } from '../page_state';

beforeAll(drawNothing);

async function shown() {
  const client = Object.assign(new HandTrainer(), { runs: [runOf('r1')] });
  const stored = await shelf();
  const train = createTrain(client);
  renderIn(stored, <TrainPage train={train} library={stored.library} />);
  await settled();
  await client.resolve('readRun', detailOf(runOf('r1'), 3));
  return { ...stored, client, train };
}

const said = () => screen.getByTestId('train-status').textContent;
const heading = (name: string) => screen.queryByRole('heading', { name }) !== null;

describe('the Train page', () => {
  it('shows the newest run by itself, with the panels of its method', async () => {
    const { client } = await shown();
    expect(heading('Pocket GRPO, quick')).toBe(true);
    expect([heading('Groups of the last step'), heading('Sample answers')]).toEqual([true, false]);
    client.emit(grouped('r1', 5), evaluated('r1', 5, [true]));
    await settled();
    expect([heading('Groups of step 5'), heading('Sample answers')]).toEqual([true, true]);
  });

  it('tells changes of state and evaluations to those who do not look, and no steps', async () => {
    const { client } = await shown();
    expect(said()).toBe('');
    client.emit(statusOf('r1', 'running', 4));
    await settled();
    expect(said()).toBe('Training, step 4 of 20.');
    client.emit(statusOf('r1', 'running', 5));
    await settled();
    expect(said()).toBe('Training, step 4 of 20.');
    client.emit(evaluated('r1', 6, [true, false]));
    await settled();
    expect(said()).toBe('Evaluated at step 6: 1 of 2 answers right.');
  });

  it('has the models of the page, of which the plan’s is loaded', async () => {
    const { train } = await shown();
    const models = screen.getByLabelText<HTMLSelectElement>('Base model');
    expect(models.textContent).toBe(LOADED_MODEL.entry.label);
    expect(train.models.needsModel.value).toBe(false);
    train.plan.chooseModel('big');
    await settled();
    expect(document.getElementById('start-note')?.textContent).toBe(
      'Loads big first, and measures the memory.',
    );
  });

  it('takes over the plan of a run into the form', async () => {
    await shown();
    fireEvent.click(screen.getByRole('button', { name: /^Take over plan:/ }));
    await settled();
    expect(screen.getByLabelText<HTMLSelectElement>('Preset').value).toBe('');
    expect(screen.getByLabelText<HTMLInputElement>('Name of the run').value).toBe('Pocket GRPO, quick');
  });
});
