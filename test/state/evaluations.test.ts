// The state of the page's evaluations over an engine moved by hand: the draft, asking, what is shown, another tab's news.
import { describe, expect, it } from 'vitest';
import { createEvaluations } from '../../src/state/evaluations';
import { HandEngine } from './engine_script';
import { EVALUATION_ITEM, EVALUATION_ITEMS, EVALUATION_VIEW } from './evaluation_script';
import { settled } from './train_script';

async function shown() {
  const engine = new HandEngine();
  const evaluations = createEvaluations(engine);
  const showing = evaluations.show('e1');
  await engine.resolve('listEvaluations', [EVALUATION_VIEW]);
  await engine.resolve('readEvaluation', EVALUATION_VIEW);
  await engine.resolve('readEvaluationItems', EVALUATION_ITEMS);
  await showing;
  return { engine, evaluations };
}

describe('the draft', () => {
  it('has one side at first, takes a second and gives it up, and marks what cannot be used', () => {
    const evaluations = createEvaluations(new HandEngine());
    const second = { adapter: null, mode: 'solution' } as const;
    evaluations.setSide(1, second);
    expect(evaluations.draft.value.sides).toEqual([{ adapter: null, mode: 'cot' }, second]);
    evaluations.setSide(1, null);
    expect(evaluations.draft.value.sides).toHaveLength(1);
    evaluations.set('count', 0);
    expect([evaluations.wrong.value.get('count'), evaluations.draft.value.count]).toEqual([0, 100]);
    evaluations.set('count', 8);
    expect([evaluations.wrong.value.size, evaluations.draft.value.count]).toEqual([0, 8]);
  });

  it('begins, says its id, and asks at once', async () => {
    const engine = new HandEngine();
    const evaluations = createEvaluations(engine);
    const beginning = evaluations.begin();
    await engine.resolve('beginEvaluation', EVALUATION_VIEW);
    expect(await beginning).toBe('e1');
    expect(engine.values.get('runEvaluation')).toEqual(['e1']);
    expect(evaluations.work.value).toMatchObject({ id: 'e1', done: 0 });
    const work = { id: 'e1', side: 0, done: 4, total: 8, secondsLeft: 3 };
    engine.emit({ type: 'evaluationProgressed', work });
    expect(evaluations.work.value).toEqual(work);
    await engine.resolve('runEvaluation', EVALUATION_VIEW);
    await settled();
    expect(evaluations.work.value).toBeNull();
    // Facts travel apart from results, and the last may come late.
    engine.emit({ type: 'evaluationProgressed', work: { ...work, done: 8 } });
    expect(evaluations.work.value).toBeNull();
  });

  it('says why it cannot begin', async () => {
    const engine = new HandEngine();
    const evaluations = createEvaluations(engine);
    const beginning = evaluations.begin();
    await engine.reject('beginEvaluation', { code: 'data/model', message: 'none' });
    expect(await beginning).toBeNull();
    expect(evaluations.error.value?.code).toBe('data/model');
    evaluations.dismiss();
    expect(evaluations.error.value).toBeNull();
  });
});

describe('what is shown', () => {
  it('comes with its questions, and anew when the engine says that it changed', async () => {
    const { engine, evaluations } = await shown();
    expect(evaluations.shown.value).toEqual(EVALUATION_VIEW);
    expect(evaluations.items.value).toMatchObject({ filter: 'all', offset: 0, total: 4 });
    engine.emit({ type: 'evaluationsChanged' });
    await engine.resolve('listEvaluations', [EVALUATION_VIEW]);
    await engine.resolve('readEvaluation', { ...EVALUATION_VIEW, bytes: 9 });
    await settled();
    expect(evaluations.shown.value?.bytes).toBe(9);
  });

  it('lists by filter and opens a question', async () => {
    const { engine, evaluations } = await shown();
    const listing = evaluations.listItems('wrong', 0);
    await engine.resolve('readEvaluationItems', { rows: [], total: 0 });
    await listing;
    expect(engine.values.get('readEvaluationItems')).toEqual(['e1', 'wrong', 0]);
    expect(evaluations.items.value).toMatchObject({ filter: 'wrong', total: 0 });
    const opening = evaluations.openItem(1);
    await engine.resolve('readEvaluationItem', EVALUATION_ITEM);
    await opening;
    expect(evaluations.item.value).toEqual(EVALUATION_ITEM);
    await evaluations.openItem(null);
    expect(evaluations.item.value).toBeNull();
  });

  it('goes when it is deleted, here or in another tab', async () => {
    const { engine, evaluations } = await shown();
    engine.emit({ type: 'evaluationsChanged' });
    await engine.resolve('listEvaluations', []);
    await settled();
    expect([evaluations.shown.value, evaluations.items.value]).toEqual([null, null]);
  });
});
