// The Cold start page over a scripted engine: the form, the stages with their numbers, the editor, the other tab.
import { fireEvent, screen, within } from '@testing-library/preact';
import { describe, expect, it } from 'vitest';
import { createColdStart } from '../../../src/state/cold_start';
import { ColdStartPage } from '../../../src/ui/cold_start/cold_start_page';
import type { ColdStartLook, ColdStartView } from '../../../src/worker/protocol/cold_start';
import type { AdapterSummary } from '../../../src/worker/protocol/library';
import { COLD_VIEW } from '../../state/cold_start_script';
import { LOADED_MODEL } from '../../state/engine_script';
import { adapterOf, datasetOf, settled } from '../../state/train_script';
import { renderIn } from '../page_script';
import { shelf } from '../page_state';

async function shown(view: ColdStartView | null, adapters: readonly AdapterSummary[] = []) {
  const made = await shelf({ datasets: [datasetOf('d1', 3, 3)], adapters });
  const coldStart = createColdStart(made.engine);
  const { container } = renderIn(made, <ColdStartPage coldStart={coldStart} library={made.library} />);
  await settled();
  await made.engine.resolve('readColdStart', view);
  return { ...made, coldStart, container };
}

const field = (container: Element, id: string) =>
  container.querySelector<HTMLInputElement & HTMLSelectElement>(`[data-field="${id}"]`);

describe('the form', () => {
  it('names the model, offers world and datasets, and starts with what is set', async () => {
    const { engine, container } = await shown(null);
    expect(screen.getByTestId('cold-model').textContent).toContain('Pocket');
    expect(field(container, 'pictures')).not.toBeNull();
    fireEvent.change(screen.getByTestId('cold-source'), { target: { value: 'd1' } });
    await settled();
    expect(field(container, 'pictures')).toBeNull();
    fireEvent.change(field(container, 'rollouts')!, { target: { value: 'many' } });
    await settled();
    expect(screen.getByTestId<HTMLButtonElement>('cold-begin').disabled).toBe(true);
    expect(screen.getByText('It must be a whole number from 1 to 128.')).toBeTruthy();
    fireEvent.change(field(container, 'rollouts')!, { target: { value: '4' } });
    await settled();
    fireEvent.submit(screen.getByTestId('cold-begin').closest('form')!);
    expect(engine.values.get('beginColdStart')?.[0]).toMatchObject({
      ...{ rollouts: 4, insert: 'self' },
      source: { kind: 'dataset', datasetId: 'd1' },
    });
  });
});

describe('the stages', () => {
  it('say what each came to', async () => {
    await shown(COLD_VIEW);
    expect(screen.getByTestId('cold-plan').textContent).toContain('3 questions from the built-in world');
    const table = within(screen.getByTestId('cold-difficulty'));
    expect(table.getAllByRole('row').map((row) => row.textContent)).toEqual([
      'Right answersQuestionsChosen',
      ...['010', '122', '200'],
    ]);
    expect(screen.getByTestId('cold-selected').textContent).toContain(
      '2 chosen, 1 of them from a wrong thought',
    );
    expect(screen.getByTestId('cold-rule').textContent).toContain('The look is “ok”.');
    expect(screen.getByTestId('cold-mixed').textContent).toContain('1 look back');
    expect(screen.queryByTestId('cold-run-rollouts')).toBeNull();
  });

  it('state the rule of selection with its numbers', async () => {
    const plan = { ...COLD_VIEW.plan, looks: 5, hardShare: 0.3 };
    await shown({ ...COLD_VIEW, plan });
    expect(screen.getByText(/^At most 5 questions .* 30 % of them .* chance of 50 %/)).toBeTruthy();
  });

  it('change by slider, and are locked while another tab is at work', async () => {
    const { engine } = await shown(COLD_VIEW);
    fireEvent.change(screen.getByTestId('cold-rate'), { target: { value: '70' } });
    await settled();
    expect(engine.values.get('changeColdStart')).toEqual([{ reflectionRate: 0.7 }]);
    await engine.resolve('changeColdStart', { ...COLD_VIEW, atWork: 'elsewhere' });
    await settled();
    expect(screen.getByTestId('cold-elsewhere')).toBeTruthy();
    expect(screen.getByTestId<HTMLButtonElement>('cold-save').disabled).toBe(true);
    expect(screen.getByTestId<HTMLButtonElement>('cold-discard').disabled).toBe(true);
  });

  it('show progress with a way to pause, and ask only the model that answered before', async () => {
    const half = { ...COLD_VIEW, rollouts: { ...COLD_VIEW.rollouts, done: 1 } };
    const { engine } = await shown(half);
    fireEvent.click(screen.getByTestId('cold-run-rollouts'));
    await settled();
    const work = { stage: 'rollouts', done: 1, total: 3, fraction: null, secondsLeft: 40 } as const;
    engine.emit({ type: 'coldStartProgressed', work });
    await settled();
    expect(screen.getByTestId('cold-work').textContent).toBe('1 of 3 done, about 40 s left');
    fireEvent.click(screen.getByTestId('cold-pause'));
    expect(engine.calls).toContain('pauseColdStart');
  });

  it('say why asking failed, that what was kept stays, and that it is paused', async () => {
    const half = { ...COLD_VIEW, rollouts: { ...COLD_VIEW.rollouts, done: 1 } };
    const { engine } = await shown(half);
    fireEvent.click(screen.getByTestId('cold-run-rollouts'));
    await settled();
    expect(screen.getByTestId('cold-status').textContent).toContain('The model is being asked.');
    await engine.reject('runColdStart', { code: 'gpu/device-lost', message: 'crashed' });
    await engine.resolve('readColdStart', half);
    await settled();
    expect(screen.getByTestId('cold-failure').textContent).toContain('What was kept before is still there');
    expect(screen.getByTestId('cold-paused')).toBeTruthy();
    expect(screen.getByTestId<HTMLButtonElement>('cold-run-rollouts').textContent).toBe('Go on');
    fireEvent.click(within(screen.getByTestId('cold-failure')).getByText('Dismiss'));
    await settled();
    expect(screen.queryByTestId('cold-failure')).toBeNull();
  });

  it('refuse to ask another model', async () => {
    await shown({ ...COLD_VIEW, modelId: 'other', rollouts: { ...COLD_VIEW.rollouts, done: 1 } });
    expect(screen.getByTestId<HTMLButtonElement>('cold-run-rollouts').disabled).toBe(true);
    expect(screen.getByText(/answers are from the model “other”/)).toBeTruthy();
  });

  it('are written by the model with an adapter of its own, once one is chosen', async () => {
    const plan = { ...COLD_VIEW.plan, insert: 'adapter' } as const;
    const insertion = { ...COLD_VIEW.insertion, written: 0 };
    const adapters = [adapterOf('a1', { name: 'Mine' }), adapterOf('a2', { modelId: 'other' })];
    const { engine, container } = await shown({ ...COLD_VIEW, plan, insertion }, adapters);
    expect(field(container, 'tries')).not.toBeNull();
    expect(screen.getByTestId<HTMLButtonElement>('cold-run-self').disabled).toBe(true);
    const choice = field(container, 'writer')!;
    expect([...choice.children].map(({ textContent }) => textContent)).toEqual(['Choose an adapter', 'Mine']);
    fireEvent.change(choice, { target: { value: 'a1' } });
    await settled();
    const writer = { id: 'a1', name: 'Mine' };
    expect(engine.values.get('changeColdStart')).toEqual([{ writer }]);
    await engine.resolve('changeColdStart', { ...COLD_VIEW, insertion, plan: { ...plan, writer } });
    await settled();
    expect(screen.getByTestId<HTMLButtonElement>('cold-run-self').disabled).toBe(false);
  });

  it('are written by another model, which is loaded for that', async () => {
    const plan = { ...COLD_VIEW.plan, insert: 'model' } as const;
    const insertion = { ...COLD_VIEW.insertion, written: 0 };
    const { engine, look, container } = await shown({ ...COLD_VIEW, plan, insertion });
    expect(screen.getByText(/There is no other model here/)).toBeTruthy();
    expect(screen.getByTestId<HTMLButtonElement>('cold-run-self').disabled).toBe(true);
    // One is downloaded in another tab.
    engine.emit({ type: 'storeChanged', store: 'models' });
    const other = { ...LOADED_MODEL.entry, id: 'org/other', label: 'Other' };
    await engine.resolve('listModels', [LOADED_MODEL.entry, other]);
    await settled();
    const choice = field(container, 'writerModel')!;
    expect([...choice.children].map(({ textContent }) => textContent)).toEqual(['Choose a model', 'Other']);
    fireEvent.change(choice, { target: { value: 'org/other' } });
    await settled();
    const writerModel = { id: 'org/other', name: 'Other' };
    expect(engine.values.get('changeColdStart')).toEqual([{ writerModel }]);
    const view = { ...COLD_VIEW, insertion, plan: { ...plan, writerModel } };
    await engine.resolve('changeColdStart', view);
    await settled();
    look.chooseAdapter({ id: 'a1', name: 'Mine' });
    look.setStrength(0.5);
    fireEvent.click(screen.getByTestId('cold-run-self'));
    await settled();
    expect(screen.getByTestId('cold-work').textContent).toBe('Loading Other, which is to write…');
    expect(screen.getByTestId('cold-pause').textContent).toBe('Cancel');
    expect([look.wantedModel.value, look.adapter.value]).toEqual(['org/other', null]);
    await engine.resolve('load', { ...LOADED_MODEL, entry: other });
    await settled();
    expect(engine.values.get('runColdStart')).toEqual(['self']);
    expect(screen.getByTestId('cold-pause').textContent).toBe('Pause');
    await engine.resolve('runColdStart', view);
    await settled();
    expect(screen.getByTestId('cold-work').textContent).toBe('Loading the model that was there before…');
    expect(screen.queryByTestId('cold-pause')).toBeNull();
    await engine.resolve('load', LOADED_MODEL);
    await engine.resolve('readColdStart', view);
    await settled();
    expect(screen.getByTestId('cold-run-self')).toBeTruthy();
    expect(look.adapter.value).toEqual({ id: 'a1', name: 'Mine', strength: 0.5 });
  });

  it('name an adapter that was deleted since it was chosen', async () => {
    const plan = { ...COLD_VIEW.plan, insert: 'adapter', writer: { id: 'x', name: 'Old' } } as const;
    const { container } = await shown({ ...COLD_VIEW, plan });
    expect(field(container, 'writer')!.textContent).toContain('Old (not here any more)');
    expect(screen.getByText(/There is no adapter for this model here/)).toBeTruthy();
  });

  it('are discarded only after a question', async () => {
    const { engine } = await shown(COLD_VIEW);
    fireEvent.click(screen.getByTestId('cold-discard'));
    await settled();
    fireEvent.click(screen.getByTestId('confirm-no'));
    await settled();
    expect(engine.calls).not.toContain('deleteColdStart');
  });
});

describe('the editor', () => {
  const look: ColdStartLook = {
    ...{ index: 0, total: 2, id: 'train-0-0', question: 'How many?', expected: '2', image: new Blob() },
    ...{ opening: '<think> a </think>', text: '<think> a </think> <back>', written: false, broken: [] },
  };

  it('keeps what was typed, and says what the filter says', async () => {
    const { engine } = await shown(COLD_VIEW);
    fireEvent.click(screen.getByTestId('cold-edit'));
    await settled();
    await engine.resolve('readColdStartLook', look);
    const text = screen.getByTestId<HTMLTextAreaElement>('look-text');
    expect(text.value).toBe('<think> a </think> <back>');
    fireEvent.input(text, { target: { value: 'b' } });
    fireEvent.submit(screen.getByTestId('look-editor'));
    await settled();
    expect(engine.values.get('writeColdStartLook')).toEqual([0, 'b']);
    await engine.resolve('writeColdStartLook', { ...look, written: true, text: 'b', broken: ['No box.'] });
    await settled();
    expect(screen.getByTestId('look-verdict').textContent).toContain('No box.');
  });
});
