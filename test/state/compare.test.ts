// Two answers side by side: phases of one answer, readings against the truth, chart columns, and asking both in turn.
import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { compareColumns, fitStrength, goesOn, readSide } from '../../src/state/compare';
import { createLook } from '../../src/state/look';
import { type Answer, beginAnswer, EMPTY_SESSION, reduceSession } from '../../src/state/session';
import type { GenerateRequest, GenerateResult } from '../../src/worker/protocol/answers';
import type { EngineEvent } from '../../src/worker/protocol/messages';
import {
  ASKED,
  attention,
  finished,
  HandEngine,
  LOADED_MODEL,
  resultOf,
  script,
  token,
} from './engine_script';

const tick = () => new Promise((done) => setTimeout(done));

function answerOf(events: readonly EngineEvent[]): Answer {
  return reduceSession(beginAnswer(EMPTY_SESSION, ASKED), events).answer as Answer;
}

/** An answer of these tokens, each with its image share. */
function answerFrom(tokens: readonly (readonly [string, number])[]): Answer {
  const events = tokens.flatMap(([text, image], step) => [token(step, text), attention(step, image)]);
  return answerOf([...events, finished(tokens.map(([text]) => text).join(''))]);
}

describe('readSide', () => {
  const phases = { early: 0.1, late: 0.2, inBack: 0.4, backPeak: 0.6, afterBack: 0.3 };
  const ended = (change: Partial<GenerateResult>): Answer =>
    answerOf([
      token(0, 'x'),
      { type: 'generationFinished', segments: [], result: { ...resultOf('x', '3.'), ...change } },
    ]);

  it('takes answer, verdict and phases from the engine', () => {
    const verdict = { equal: true, rule: 'equal numbers', grader: 'method' } as const;
    expect(readSide(ended({ verdict, phases }))).toEqual({
      ...{ status: 'finished', boxed: '3.', right: true, back: 0.4, lateThink: 0.2 },
    });
    expect(readSide(ended({ verdict: { ...verdict, equal: false } })).right).toBe(false);
  });

  it('knows nothing of an open answer, and no verdict where none was expected', () => {
    expect(readSide(answerOf(script().slice(0, 8)))).toEqual({
      ...{ status: 'running', boxed: null, right: null, back: null, lateThink: null },
    });
    expect(readSide(ended({})).right).toBeNull();
  });
});

describe('compareColumns', () => {
  it('pads the shorter answer with gaps', () => {
    const short = answerFrom([
      ['a', 0.5],
      ['b', 0.25],
    ]);
    const long = answerFrom([
      ['a', 0.1],
      ['b', 0.2],
      ['c', 0.3],
    ]);
    const [steps, base, adapter] = compareColumns(short, long);
    expect(steps).toEqual([1, 2, 3]);
    expect(base).toEqual([0.5, 0.25, null]);
    expect(adapter).toEqual([0.1, 0.2, 0.3]);
    expect(compareColumns(null, short)[1]).toEqual([null, null]);
    expect(compareColumns(null, null)).toEqual([[], [], []]);
  });
});

describe('fitStrength', () => {
  it('keeps to steps within the range', () => {
    expect([0.07, -1, 9, Number.NaN, 1.234].map(fitStrength)).toEqual([0.05, 0, 1.5, 1, 1.25]);
  });
});

const PIXEL = new Blob([
  new Uint8Array(encode({ width: 1, height: 1, data: new Uint8Array(3), channels: 3 })),
]);

async function comparing() {
  const engine = new HandEngine();
  const look = createLook(engine, {
    now: () => 0,
    everyFrame: () => () => undefined,
    still: () => false,
    keptPace: { read: () => null, write: () => undefined },
    decode: async () => ({}) as ImageBitmap,
    seenCells: async () => null,
  });
  void look.start();
  await engine.resolve('start');
  await engine.resolve('listModels', [LOADED_MODEL.entry]);
  await engine.resolve('load', LOADED_MODEL);
  await look.choosePicture(PIXEL, 'p.png');
  look.setQuestion('How many?');
  look.setComparing(true);
  expect(look.comparing.value).toBe(false);
  look.chooseAdapter({ id: 'a1', name: 'Counts' });
  look.setStrength(0.5);
  look.setComparing(true);
  return { engine, look };
}

const requests = (engine: HandEngine) => engine.calls.filter((name) => name === 'generate').length;
const lastRequest = (engine: HandEngine) => engine.values.get('generate')?.[0] as GenerateRequest;

describe('comparing', () => {
  it('asks the base, then the adapter, with everything else the same', async () => {
    const { engine, look } = await comparing();
    look.setSettings({ seed: 7, temperature: 1 });
    void look.ask();
    await tick();
    const first = lastRequest(engine);
    expect(first.adapter).toBeNull();
    expect(look.comparison.value?.shown).toBe('base');
    expect(look.comparison.value?.adapter).toBeNull();
    // The command may resolve before the last tokens arrive: the adapter waits for the event.
    await engine.resolve('generate', resultOf(''));
    expect(requests(engine)).toBe(1);
    // A change of settings while the base answers changes nothing.
    look.setSettings({ seed: 8 });
    engine.emit(...script());
    await tick();
    expect(requests(engine)).toBe(2);
    const { adapter, ...second } = lastRequest(engine);
    expect(adapter).toEqual({ id: 'a1', strength: 0.5 });
    expect({ ...second, adapter: null }).toEqual(first);
    expect(look.session.value.answer?.adapterLabel).toBe('Counts');
    engine.emit(token(0, 'x'), finished('x'));
    await engine.resolve('generate', resultOf('x'));
    const { base, adapter: other } = look.comparison.value ?? {};
    expect(base?.text).toContain('<back>');
    expect(other?.text).toBe('x');
    expect([base?.status, other?.status]).toEqual(['finished', 'finished']);
  });

  it('shows either answer once both are closed', async () => {
    const { engine, look } = await comparing();
    void look.ask();
    await tick();
    engine.emit(...script());
    await engine.resolve('generate', resultOf(''));
    look.showSide('base');
    expect(look.comparison.value?.shown).toBe('adapter');
    engine.emit(token(0, 'x'), attention(0, 0.2), finished('x'));
    await engine.resolve('generate', resultOf('x'));
    const before = look.comparison.value;
    look.showSide('base');
    expect(look.comparison.value).toEqual({ ...before, shown: 'base' });
    expect(look.readout.value?.range).toEqual({ from: 15, to: 15 });
    look.showSide('adapter');
    expect(look.comparison.value).toEqual(before);
    expect(look.readout.value?.range).toEqual({ from: 0, to: 0 });
  });

  it('does not ask the adapter after an answer that broke or was stopped', async () => {
    const { engine, look } = await comparing();
    void look.ask();
    await tick();
    await engine.reject('generate', { code: 'gpu/out-of-memory', message: 'm' });
    expect(requests(engine)).toBe(1);
    expect(look.comparison.value?.base?.status).toBe('failed');
    void look.ask();
    await tick();
    const stopped = resultOf('a');
    engine.emit(token(0, 'a'), {
      type: 'generationFinished',
      result: { ...stopped, stats: { ...stopped.stats, finishReason: 'stopped' } },
      segments: [],
    });
    await engine.resolve('generate', stopped);
    expect(requests(engine)).toBe(2);
    expect(goesOn(look.comparison.value?.base ?? null)).toBe(false);
  });

  it('ends with the adapter, and a question to one of them alone is no comparison', async () => {
    const { engine, look } = await comparing();
    look.setComparing(false);
    void look.ask();
    await tick();
    expect(lastRequest(engine).adapter).toEqual({ id: 'a1', strength: 0.5 });
    expect(look.comparison.value).toBeNull();
    look.setComparing(true);
    look.chooseAdapter(null);
    expect(look.comparing.value).toBe(false);
  });

  it('lets go of the adapter when another model is loaded, and keeps it over a restart', async () => {
    const { engine, look } = await comparing();
    void look.restart();
    await engine.resolve('start');
    await engine.resolve('listModels', [LOADED_MODEL.entry]);
    await engine.resolve('load', LOADED_MODEL);
    expect(look.adapter.value?.id).toBe('a1');
    void look.loadModel('other');
    expect(look.adapter.value).toBeNull();
  });
});
