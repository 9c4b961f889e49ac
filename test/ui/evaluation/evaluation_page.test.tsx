// The Lab page over a scripted engine: the form, the list, figures and comparison, questions with the keyboard, Look.
import { fireEvent, screen, waitFor, within } from '@testing-library/preact';
import { describe, expect, it } from 'vitest';
import { EVALUATION_SETTINGS } from '../../../src/settings/evaluation_settings';
import { createEvaluations } from '../../../src/state/evaluations';
import { createResults } from '../../../src/state/results';
import { labAddress } from '../../../src/ui/evaluation/lab_address';
import { LabPage } from '../../../src/ui/evaluation/lab_page';
import type { EvaluationView } from '../../../src/worker/protocol/evaluation';
import {
  EVALUATION_ITEM,
  EVALUATION_ITEMS,
  EVALUATION_VIEW,
  REPLACED_VIEW,
} from '../../state/evaluation_script';
import { adapterOf, datasetOf, settled } from '../../state/train_script';
import { renderIn } from '../page_script';
import { shelf } from '../page_state';

// happy-dom has no canvas, on which the charts draw: here they draw on nothing.
const nothing: object = new Proxy({}, { get: () => () => ({ width: 1 }), set: () => true });
HTMLCanvasElement.prototype.getContext = () => nothing as never;
globalThis.Path2D = function path() {
  return nothing;
} as unknown as typeof Path2D;

async function opened(hash: string, list: readonly EvaluationView[] = [EVALUATION_VIEW]) {
  location.hash = hash;
  const made = await shelf({ adapters: [adapterOf('a1')], datasets: [datasetOf('d1', 3, 3)] });
  const evaluations = createEvaluations(made.engine);
  const { container } = renderIn(
    made,
    <LabPage evaluations={evaluations} library={made.library} results={createResults(async () => [])} />,
  );
  await settled();
  await made.engine.resolve('listEvaluations', list);
  return { ...made, evaluations, container };
}

async function result(view: EvaluationView = EVALUATION_VIEW) {
  const made = await opened('#/lab/evaluation/e1', [view]);
  await made.engine.resolve('readEvaluation', view);
  await made.engine.resolve('readEvaluationItems', EVALUATION_ITEMS);
  await settled();
  return made;
}

const cells = (testid: string) =>
  within(screen.getByTestId(testid))
    .getAllByRole('row')
    .map((row) => [...row.children].map((cell) => cell.textContent));

describe('the first page', () => {
  it('measures one side, or two against each other, on the world or a dataset', async () => {
    const { engine, container } = await opened('#/lab');
    expect(screen.getByTestId('eval-model').textContent).toContain('Pocket');
    expect(container.querySelector('[data-field="questions"]')).not.toBeNull();
    fireEvent.change(screen.getByTestId('eval-source'), { target: { value: 'd1' } });
    fireEvent.click(screen.getByTestId('eval-against'));
    await settled();
    expect(container.querySelector('[data-field="questions"]')).toBeNull();
    const [, second] = screen.getAllByTestId('eval-adapter');
    fireEvent.change(second!, { target: { value: 'a1' } });
    await settled();
    fireEvent.submit(screen.getByTestId('eval-start').closest('form')!);
    expect(engine.values.get('beginEvaluation')?.[0]).toMatchObject({
      source: { kind: 'dataset', datasetId: 'd1' },
      sides: [
        { adapter: null, mode: 'cot' },
        { adapter: { id: 'a1', strength: 1 }, mode: 'cot' },
      ],
    });
    await engine.resolve('beginEvaluation', EVALUATION_VIEW);
    await settled();
    expect(location.hash).toBe('#/lab/evaluation/e1');
  });

  it('samples at a temperature, whose seed is asked for only then', async () => {
    const { engine, container } = await opened('#/lab');
    const field = (id: string) => container.querySelector(`[data-field="${id}"]`);
    expect(field('samplingSeed')).toBeNull();
    fireEvent.change(field('temperature')!, { target: { value: '1' } });
    await settled();
    fireEvent.change(field('samplingSeed')!, { target: { value: '7' } });
    await settled();
    fireEvent.submit(screen.getByTestId('eval-start').closest('form')!);
    expect(engine.values.get('beginEvaluation')?.[0]).toMatchObject({ temperature: 1, samplingSeed: 7 });
  });

  it('holds the model’s own looks against others that stand in their place', async () => {
    const { engine, container } = await opened('#/lab');
    fireEvent.click(screen.getByTestId('eval-against'));
    await settled();
    const second = container.querySelector<HTMLSelectElement>('[data-field="look-1"]')!;
    const note = container.querySelector(`#${second.getAttribute('aria-describedby')}`);
    expect(note?.textContent).toBe(EVALUATION_SETTINGS.look.help);
    expect(second.closest('details')?.open).toBe(false);
    fireEvent.change(second, { target: { value: 'blank_picture' } });
    await settled();
    expect(second.closest('details')?.open).toBe(true);
    fireEvent.submit(screen.getByTestId('eval-start').closest('form')!);
    expect(engine.values.get('beginEvaluation')?.[0]).toMatchObject({
      sides: [
        { adapter: null, mode: 'cot' },
        { adapter: null, mode: 'cot', look: 'blank_picture' },
      ],
    });
  });

  it('says before the start that looks are replaced in greedy answers alone', async () => {
    const { container } = await opened('#/lab');
    const field = (id: string) => container.querySelector(`[data-field="${id}"]`)!;
    const start = screen.getByTestId<HTMLButtonElement>('eval-start');
    fireEvent.change(field('look-0'), { target: { value: 'picture_again' } });
    fireEvent.change(field('temperature'), { target: { value: '1' } });
    await settled();
    expect(field('look-0').getAttribute('aria-invalid')).toBe('true');
    expect(screen.getByText(/set “Temperature” to 0, or choose “The model’s own”/)).toBeTruthy();
    expect(start.disabled).toBe(true);
    fireEvent.change(field('temperature'), { target: { value: '0' } });
    await settled();
    expect([field('look-0').getAttribute('aria-invalid'), start.disabled]).toEqual(['false', false]);
  });

  it('names temperature and seed of what was sampled', async () => {
    const plan = { ...EVALUATION_VIEW.plan, temperature: 1, samplingSeed: 7 };
    const { container } = await result({ ...EVALUATION_VIEW, plan });
    expect(container.textContent).toContain('at temperature 1 with seed 7');
  });

  it('says what a setting must be, and starts nothing meanwhile', async () => {
    const { container } = await opened('#/lab');
    const count = container.querySelector('[data-field="count"]')!;
    fireEvent.change(count, { target: { value: '6000' } });
    await settled();
    expect(screen.getByText('It must be a whole number from 1 to 5000.')).toBeTruthy();
    expect(screen.getByTestId<HTMLButtonElement>('eval-start').disabled).toBe(true);
  });

  it('lists what is kept, and deletes only after a question', async () => {
    const { engine } = await opened('#/lab');
    const row = screen.getByTestId('eval-row');
    expect(row.textContent).toContain('Base model, look back at the solution against Looks');
    expect(row.textContent).toContain('8 of 8 answered, 2.0 KiB');
    fireEvent.click(within(row).getByRole('button'));
    await settled();
    expect(engine.calls).not.toContain('deleteEvaluation');
    fireEvent.click(screen.getByTestId('confirm-yes'));
    await settled();
    expect(engine.values.get('deleteEvaluation')).toEqual(['e1']);
  });
});

describe('an evaluation', () => {
  it('shows every figure of both sides and holds one against the other', async () => {
    await result();
    const figures = cells('eval-figures');
    expect(figures.map(([name]) => name)).not.toContain('Looks replaced');
    expect(figures[0]).toEqual([
      ...['Figure', 'Base model, look back at the solution', 'Looks, look back at the solution'],
    ]);
    const of = (name: string) => figures.find(([own]) => own === name)?.slice(1);
    expect(of('Right')).toEqual(['50.0 % (15.0 % to 85.0 %)', '75.0 % (30.1 % to 95.4 %)']);
    expect(of('Looked back')).toEqual(['0.0 %', '100.0 %']);
    expect(of('Right where it looked back')).toEqual(['–', '75.0 % of 4']);
    expect(of('Flips, wrong → right')).toEqual(['–', '3 of 4']);
    expect(of('Seconds for an answer')).toEqual(['0.5', '0.5']);
    expect(of('Operations for an answer, GFLOP')).toEqual(['2', '2']);
    const [all] = cells('eval-comparison').slice(1);
    expect(all?.slice(0, 4)).toEqual(['All', '4', '50.0 %', '75.0 %']);
    expect(all?.[4]).toMatch(/^\+25\.0 \(/);
    expect(all?.slice(5)).toEqual(['2', '1', '1.000']);
    expect(cells('eval-comparison').map(([kind]) => kind)).toEqual(['Kind', 'All', 'count', 'take']);
  });

  it('says what stood in looks that were replaced', async () => {
    const { engine } = await result(REPLACED_VIEW);
    const figures = cells('eval-figures');
    expect(figures[0]?.[2]).toBe(
      'Looks, look back at the solution, looks: neutral text of as many tokens as its own',
    );
    const of = (name: string) => figures.find(([own]) => own === name)?.slice(1);
    expect(of('Looks replaced')).toEqual(['–', '4, in 4 of 4 answers']);
    expect(of('Tokens put into an answer')).toEqual(['–', '6.0']);
    expect(screen.getByText(/the model went on behind what was put there/)).toBeTruthy();
    fireEvent.click(within(screen.getAllByTestId('eval-item')[1]!).getByRole('button'));
    await settled();
    await engine.resolve('readEvaluationItem', EVALUATION_ITEM);
    await settled();
    const notes = screen
      .getAllByTestId('eval-answer')
      .map((one) => one.textContent?.includes('its own looks'));
    expect(notes).toEqual([false, true]);
    expect(screen.queryByText('Compare in Look')).toBeNull();
  });

  it('lists questions by filter, opens one by the keyboard, and puts it on the Look page', async () => {
    const { engine, look } = await result();
    fireEvent.change(screen.getByTestId('eval-filter'), { target: { value: 'discordant' } });
    expect(engine.values.get('readEvaluationItems')).toEqual(['e1', 'discordant', 0]);
    const [, second] = screen.getAllByTestId('eval-item');
    expect(second?.textContent).toContain('wrong → right');
    const button = within(second!).getByRole('button');
    expect(button.tagName).toBe('BUTTON');
    fireEvent.click(button);
    await settled();
    await engine.resolve('readEvaluationItem', EVALUATION_ITEM);
    await settled();
    expect(screen.getAllByTestId('eval-answer').map((one) => one.textContent)).toEqual([
      expect.stringContaining('i see 3'),
      expect.stringContaining('a look at it'),
    ]);
    fireEvent.click(screen.getByText('Compare in Look'));
    await waitFor(() => expect(location.hash).toBe('#/look'));
    expect(look.adapter.value).toEqual({ id: 'a1', name: 'Looks', strength: 1 });
    expect([look.comparing.value, look.settings.value.mode]).toEqual([true, 'solution']);
    expect(look.question.value).toBe('How many? (1)');
  });

  it('says how far it is, pauses, and goes on with the model that it asked', async () => {
    const half = { ...EVALUATION_VIEW, done: [4, 2] };
    const { engine } = await result(half);
    expect(screen.getByTestId('eval-state').textContent).toContain('6 of 8 answered. Paused.');
    fireEvent.click(screen.getByTestId('eval-go-on'));
    engine.emit({
      type: 'evaluationProgressed',
      work: { id: 'e1', side: 1, done: 6, total: 8, secondsLeft: 200 },
    });
    await settled();
    expect(screen.getByTestId('eval-work').textContent).toBe('6 of 8 answered, about 3 min left');
    fireEvent.click(screen.getByTestId('eval-pause'));
    expect(engine.calls).toContain('pauseEvaluation');
  });

  it('of another model names that model', async () => {
    await result({ ...EVALUATION_VIEW, modelId: 'other', done: [4, 2] });
    expect(screen.getByTestId('eval-state').textContent).toContain('the model “other”');
    expect(screen.getByTestId<HTMLButtonElement>('eval-go-on').disabled).toBe(true);
  });

  it('that is gone says so', async () => {
    await opened('#/lab/evaluation/e9');
    expect(screen.getByText(/is not kept here any more/)).toBeTruthy();
  });
});

describe('labAddress', () => {
  it.each([
    ['#/lab', { page: 'first' }],
    ['#/lab/', { page: 'first' }],
    ['#/look', { page: 'first' }],
    ['#/lab/evaluation/0a-b', { page: 'evaluation', id: '0a-b' }],
    ['#/lab/evaluation/<x>', { page: 'first' }],
    ['#/lab/results/main', { page: 'results', name: 'main' }],
    ['#/lab/results/main/sheets/a', { page: 'questions', name: 'main', set: 'sheets', arms: ['a'] }],
    ['#/lab/results/main/sheets/a/b', { page: 'questions', name: 'main', set: 'sheets', arms: ['a', 'b'] }],
    ['#/lab/results/main/sheets/a/b/c', { page: 'first' }],
    ['#/lab/results/../x', { page: 'first' }],
  ])('reads %s', (hash, address) => {
    expect(labAddress(hash)).toEqual(address);
  });
});
