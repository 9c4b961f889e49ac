// The evaluation's commands over a scripted model: figures of both sides, pausing and going on, lists, exports, refusals.
import { strFromU8, unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import type { EvaluationPlan, EvaluationView } from '../../../src/worker/protocol/evaluation';
import { wordModel } from '../../lookback/word_model';
import { evaluationTab, memoryStore, PLAN, row } from './evaluation_script';

async function whole(plan: EvaluationPlan = PLAN) {
  const tab = evaluationTab(memoryStore());
  const { id } = await tab.host.beginEvaluation(plan);
  return { ...tab, id, view: await tab.host.runEvaluation(id) };
}

describe('an evaluation', () => {
  it('asks both sides the same questions and compares them', async () => {
    const { view, strengths, events, changes } = await whole();
    const [base, adapter] = view.sides;
    expect(base).toMatchObject({
      done: 6,
      leftOut: 0,
      report: { accuracy: { mean: 4 / 6 }, triggerRate: 0 },
    });
    expect(adapter).toMatchObject({ done: 6, report: { accuracy: { mean: 5 / 6 }, triggerRate: 1 } });
    expect(adapter?.report?.flips).toMatchObject({ judged: 6, wrongToRight: 2, rightToWrong: 1 });
    expect(view.comparison?.all).toMatchObject({ count: 6, gained: 2, lost: 1 });
    expect(view.sides.every(({ seconds }) => seconds > 0)).toBe(true);
    expect(new Set(strengths)).toEqual(new Set([0.5]));
    const told = events.flatMap((event) => (event.type === 'evaluationProgressed' ? [event.work] : []));
    expect(told[0]).toMatchObject({ side: 0, done: 0, total: 12, secondsLeft: null });
    expect(told.at(-1)).toMatchObject({ side: 1, done: 12, secondsLeft: 0 });
    expect(changes()).toBeGreaterThan(1);
  });

  it('goes on where it was paused, in another tab, and asks nothing twice', async () => {
    const store = memoryStore();
    const asked: string[] = [];
    const first = evaluationTab(store, {
      onAnswer: (question) => {
        asked.push(question);
        if (question === 'q3') return first.host.pauseEvaluation();
      },
    });
    const { id } = await first.host.beginEvaluation(PLAN);
    const half = await first.host.runEvaluation(id);
    // The wave of q2 and q3 was in hand.
    expect(half.sides.map(({ done }) => done)).toEqual([2, 0]);
    expect(half.comparison).toBeNull();
    const second = evaluationTab(store, { onAnswer: (question) => asked.push(question) });
    const rest = await second.host.runEvaluation(id);
    expect(rest.done).toEqual([6, 6]);
    expect(asked.filter((question) => question === 'q0')).toHaveLength(2);
    // All but the seconds, which no two runs share.
    const reports = ({ sides }: EvaluationView) =>
      sides.map(({ report }) => report && { ...report, cost: { ...report.cost, medianSeconds: 0 } });
    expect(reports(rest)).toEqual(reports((await whole()).view));
  });

  it('counts what cannot be asked, once', async () => {
    const tab = evaluationTab(memoryStore(), { rows: [{ ...row(0), image: new Blob(['broken']) }, row(1)] });
    const { id } = await tab.host.beginEvaluation({ ...PLAN, count: 100, sides: PLAN.sides.slice(0, 1) });
    const view = await tab.host.runEvaluation(id);
    expect(view.plan.count).toBe(2);
    expect(view.sides[0]).toMatchObject({ done: 2, leftOut: 1, report: { count: 1, accuracy: { mean: 1 } } });
    expect(view.comparison).toBeNull();
    expect((await tab.host.runEvaluation(id)).sides[0]).toMatchObject({ done: 2, leftOut: 1 });
  });

  it('draws questions of the built-in world', async () => {
    const source = { kind: 'shapes_world' } as const;
    const { host, id } = await whole({ ...PLAN, source, questions: 'mixed', count: 3 });
    const { rows } = await host.readEvaluationItems(id, 'all', 0);
    expect(rows.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect((await host.readEvaluationItem(id, 1)).imageName).toBe('mixed 999-1');
  });
});

describe('an evaluation of looks that are replaced', () => {
  const sides = [
    { adapter: null, mode: 'cot' },
    { adapter: null, mode: 'cot', look: 'neutral' },
  ] as const;
  /** Answers rightly, 0, behind a look of its own alone. */
  const { model } = wordModel(({ written }) => {
    if (written === '')
      return ' <think> one </think> <back> i see 0 </back> <think> so </think> \\boxed{ 0 }';
    return written.includes(' ok ok ok') ? ' <think> so </think> \\boxed{ 9 }' : ' \\boxed{ 0 }';
  });

  it('holds them against the model’s own on the same questions, and keeps what stood there', async () => {
    const zero = { ...row(0), answer: '0' };
    const tab = evaluationTab(memoryStore(), { rows: [zero, zero, zero, zero], model });
    const { id } = await tab.host.beginEvaluation({ ...PLAN, count: 4, sides });
    const { sides: views, comparison, plan } = await tab.host.runEvaluation(id);
    expect(plan.sides[1]?.look).toBe('neutral');
    expect(views[0]?.report).toMatchObject({ accuracy: { mean: 1 }, intervention: null });
    expect(views[1]?.report).toMatchObject({
      accuracy: { mean: 0 },
      intervention: { look: 'neutral', applied: 4, withoutLook: 0, looks: 4 },
    });
    expect(comparison?.all).toMatchObject({ count: 4, gained: 0, lost: 4 });
    const text = await (await tab.host.exportEvaluation(id, 'csv')).text();
    const [head = '', first = ''] = text.split('\r\n').map((line) => line.split(','));
    const cell = (name: string) => first[head.indexOf(name)];
    expect([cell('look_1'), cell('looks_replaced_1'), cell('look_2'), cell('looks_replaced_2')]).toEqual([
      ...['own', '0', 'neutral', '1'],
    ]);
    expect(Number(cell('tokens_put_there_2'))).toBeGreaterThan(2);
  });

  it('is refused at a temperature and for what no look can be, before anything is asked', async () => {
    const { host } = evaluationTab(memoryStore());
    await expect(host.beginEvaluation({ ...PLAN, sides, temperature: 1 })).rejects.toMatchObject({
      ...{ code: 'usage/argument', data: { key: 'look' } },
    });
    const odd = [{ ...sides[0], look: 'odd' as never }];
    await expect(host.beginEvaluation({ ...PLAN, sides: odd })).rejects.toMatchObject({
      code: 'usage/argument',
    });
    expect(await host.listEvaluations()).toEqual([]);
  });
});

describe('single questions', () => {
  it('are listed by filter', async () => {
    const { host, id } = await whole();
    const listed = async (filter: Parameters<typeof host.readEvaluationItems>[1]) =>
      (await host.readEvaluationItems(id, filter, 0)).rows.map(({ index }) => index);
    expect(await listed('all')).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await listed('wrong')).toEqual([2, 4, 5]);
    expect(await listed('flipped')).toEqual([2, 4, 5]);
    expect(await listed('discordant')).toEqual([2, 4, 5]);
    expect(await listed('lookedBack')).toHaveLength(6);
    expect(await host.readEvaluationItems(id, 'all', 5)).toMatchObject({ total: 6, rows: [{ index: 5 }] });
  });

  it('show both answers, their picture and their attention', async () => {
    const { host, id } = await whole();
    const item = await host.readEvaluationItem(id, 4);
    expect(item).toMatchObject({ question: 'q4', expected: '4', imageName: '4.png' });
    expect(item.answers.map((answer) => answer?.correct)).toEqual([true, false]);
    expect(item.answers[1]?.flip).toBe('rightToWrong');
    expect(item.texts[1]).toContain('<back>');
    expect(item.shares[1]?.[0]).toBe(0.5);
    await expect(host.readEvaluationItem(id, 99)).rejects.toMatchObject({ code: 'usage/argument' });
  });
});

describe('what leaves an evaluation', () => {
  it('is a zip with the rows that npm run evaluate writes', async () => {
    const { host, id } = await whole();
    const files = unzipSync(new Uint8Array(await (await host.exportEvaluation(id, 'json')).arrayBuffer()));
    expect(Object.keys(files)).toEqual(['report.json', 'first.jsonl', 'second.jsonl']);
    const lines = strFromU8(files['second.jsonl'] ?? new Uint8Array())
      .trim()
      .split('\n');
    expect(lines.map((line) => JSON.parse(line).index)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(JSON.parse(strFromU8(files['report.json'] ?? new Uint8Array()))).toMatchObject({
      ...{ modelId: 'pocket', device: 'script' },
      comparison: { all: { gained: 2 } },
    });
  });

  it('is a table whose text no spreadsheet runs', async () => {
    const tab = evaluationTab(memoryStore(), {
      rows: [
        { ...row(0), question: '=HYPERLINK("x"), twice\nso' },
        { ...row(1), answer: '-1' },
      ],
    });
    const { id } = await tab.host.beginEvaluation(PLAN);
    await tab.host.runEvaluation(id).catch(() => undefined);
    const text = await (await tab.host.exportEvaluation(id, 'csv')).text();
    expect(text.split('\r\n')[0]).toContain('answer_1,correct_1,first_correct_1');
    expect(text).toContain('"\'=HYPERLINK(""x""), twice\nso"');
    expect(text).toContain('q1,-1,1,false');
  });
});

describe('it refuses', () => {
  it('another model, a mode that the model lacks, settings out of range', async () => {
    const store = memoryStore();
    const { host } = evaluationTab(store);
    const { id } = await host.beginEvaluation(PLAN);
    await expect(evaluationTab(store, { fingerprint: 'g' }).host.runEvaluation(id)).rejects.toMatchObject({
      ...{ code: 'data/evaluation', data: { modelId: 'pocket' } },
    });
    const semantic = { ...PLAN, sides: [{ adapter: null, mode: 'semantic' as const }] };
    await expect(host.beginEvaluation(semantic)).rejects.toMatchObject({ data: { key: 'mode' } });
    await expect(host.beginEvaluation({ ...PLAN, count: 0 })).rejects.toMatchObject({
      code: 'usage/argument',
    });
    await expect(host.beginEvaluation({ ...PLAN, sides: [] })).rejects.toMatchObject({
      code: 'usage/argument',
    });
    await expect(evaluationTab(store, { rows: [] }).host.beginEvaluation(PLAN)).rejects.toMatchObject({
      code: 'data/dataset-empty',
    });
  });

  it('to be deleted, and a run beside it, while it asks', async () => {
    const refused: unknown[] = [];
    const code = (error: { code: string }) => error.code;
    const tab = evaluationTab(memoryStore(), {
      onAnswer: async (question) => {
        if (question !== 'q0' || refused.length > 0) return;
        refused.push(await tab.host.deleteEvaluation('e1').catch(code));
        refused.push(await tab.liveRuns.claim('a run').catch(code));
      },
    });
    await tab.host.beginEvaluation(PLAN);
    const running = tab.host.runEvaluation('e1');
    await running;
    expect(refused).toEqual(['train/busy', 'train/busy']);
    expect(() => tab.host.checkRelease()).not.toThrow();
    expect(await tab.host.deleteEvaluation('e1')).toBe(7);
    await expect(tab.host.readEvaluation('e1')).rejects.toMatchObject({ code: 'storage/missing' });
  });
});
