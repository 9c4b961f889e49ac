// The page's state over an engine moved by hand: loading, asking, late outcomes, device loss, selection.
import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { createLook, type Look, type PageServices } from '../../src/state/look';
import type { GenerateRequest } from '../../src/worker/protocol/answers';
import type { LoadedModel } from '../../src/worker/protocol/engine';
import { attention, HandEngine, LOADED_MODEL, resultOf, script, token } from './engine_script';

const PIXEL = new Blob([
  new Uint8Array(encode({ width: 1, height: 1, data: new Uint8Array(3), channels: 3 })),
]);
const tick = () => new Promise((done) => setTimeout(done));

function setUp(
  decode: () => Promise<ImageBitmap> = async () => ({}) as ImageBitmap,
  seenCells: PageServices['seenCells'] = async () => null,
) {
  const engine = new HandEngine();
  let now = 0;
  const look = createLook(engine, {
    now: () => (now += 10),
    everyFrame: () => () => undefined,
    still: () => false,
    keptPace: { read: () => null, write: () => undefined },
    decode,
    seenCells,
  });
  return { engine, look };
}

async function loaded(model: LoadedModel = LOADED_MODEL): Promise<{ engine: HandEngine; look: Look }> {
  const { engine, look } = setUp();
  void look.start();
  await engine.resolve('start');
  await engine.resolve('listModels', [model.entry]);
  await engine.resolve('load', model);
  await look.choosePicture(PIXEL, 'p.png');
  look.setQuestion(' How many? ');
  return { engine, look };
}

async function answered(model: LoadedModel = LOADED_MODEL) {
  const { engine, look } = await loaded(model);
  void look.ask();
  await tick();
  engine.emit(...script());
  await engine.resolve('generate', resultOf(''));
  return { engine, look };
}

describe('following up', () => {
  const talker = { ...LOADED_MODEL, followsUp: true };

  it('is offered after an answer of a model that can, about the same picture, to one answer', async () => {
    expect((await answered()).look.turns.value).toEqual([]);
    const { look } = await answered(talker);
    const turn = { question: 'How many?', mode: 'solution', answer: look.session.value.answer?.text };
    expect(look.turns.value).toEqual([turn]);
    look.chooseAdapter({ id: 'a', name: 'A' });
    look.setComparing(true);
    expect(look.turns.value).toEqual([]);
    look.setComparing(false);
    await look.choosePicture(PIXEL, 'q.png');
    expect(look.turns.value).toEqual([]);
  });

  it('sends the turns when it is wanted, and the same ones when the answer is asked again', async () => {
    const { engine, look } = await answered(talker);
    const sent = () => (engine.values.get('generate') as [GenerateRequest])[0].earlier;
    look.setQuestion('Sure?');
    void look.ask();
    await tick();
    expect(sent()).toBeUndefined();
    engine.emit(...script());
    await engine.resolve('generate', resultOf(''));

    const turns = look.turns.value;
    expect(turns.map(({ question }) => question)).toEqual(['Sure?']);
    look.setFollowing(true);
    look.setQuestion('And now?');
    for (const command of [() => look.ask(), () => look.regenerate()]) {
      void command();
      await tick();
      expect(sent()).toEqual(turns);
      engine.emit(...script());
      await engine.resolve('generate', resultOf(''));
    }
    expect(look.turns.value.map(({ question }) => question)).toEqual(['Sure?', 'And now?']);
  });
});

describe('loading', () => {
  it('starts, lists and loads the first model, and leaves the length of answers to it', async () => {
    const { look } = await loaded();
    expect(look.session.value.model).toBe(LOADED_MODEL);
    expect(look.loading.value).toBe(false);
    expect(look.settings.value.maxNewTokens).toBeNull();
    expect(look.canAsk.value).toBe(true);
  });

  it('asks nothing while a setting cannot be used, and replaces none', async () => {
    const { look } = await loaded();
    for (const wrong of [
      { temperature: 3 },
      { temperature: Number.NaN },
      { maxNewTokens: 101 },
      { seed: -1 },
    ]) {
      const before = look.settings.value;
      look.setSettings(wrong);
      expect(look.settings.value).toEqual({ ...before, ...wrong });
      expect(look.canAsk.value).toBe(false);
      look.setSettings(before);
      expect(look.canAsk.value).toBe(true);
    }
  });

  it('keeps the error of a failed load, and clears it when loading again', async () => {
    const { engine, look } = setUp();
    void look.start();
    await engine.resolve('start');
    await engine.resolve('listModels', [LOADED_MODEL.entry]);
    await engine.reject('load', { code: 'gpu/no-adapter', message: 'none' });
    expect(look.session.value.error?.code).toBe('gpu/no-adapter');
    expect(look.loading.value).toBe(false);
    void look.loadModel('pocket');
    expect(look.session.value.error).toBeNull();
    expect(look.loading.value).toBe(true);
  });

  it('lets whoever wants the model that is being loaded wait for it', async () => {
    const { engine, look } = setUp();
    void look.start();
    await engine.resolve('start');
    await engine.resolve('listModels', [LOADED_MODEL.entry]);
    let there = false;
    void look.loadModel('pocket').then(() => {
      there = true;
    });
    await tick();
    expect(engine.calls.filter((name) => name === 'load')).toHaveLength(1);
    expect(there).toBe(false);
    await engine.resolve('load', LOADED_MODEL);
    await tick();
    expect(there).toBe(true);
    expect(look.session.value.model).toBe(LOADED_MODEL);
    void look.loadModel('pocket');
    expect(engine.calls.filter((name) => name === 'load')).toHaveLength(2);
  });

  it('says why when the engine does not start', async () => {
    const { engine, look } = setUp();
    void look.start();
    await engine.reject('start', { code: 'worker/crashed', message: 'x' });
    expect(look.session.value.error?.code).toBe('worker/crashed');
    expect(engine.calls).toEqual(['start']);
  });
});

describe('pictures', () => {
  it('refuses what is no picture and keeps the one before', async () => {
    const { look } = await loaded();
    await look.choosePicture(new Blob([]), 'empty.png');
    expect(look.pictureError.value?.code).toBe('data/image');
    expect(look.picture.value?.name).toBe('p.png');
    await look.choosePicture(PIXEL, 'q.png');
    expect(look.pictureError.value).toBeNull();
    expect(look.picture.value?.name).toBe('q.png');
  });

  it('brings its first question with it, and leaves a question of one’s own', async () => {
    const words = Array(16).fill('blue');
    const seen = async () => ({ words, questions: ['How many cells are mostly blue?', 'Any red?'] });
    const { engine, look } = setUp(undefined, seen);
    await look.choosePicture(PIXEL, 'p.png');
    // What the model sees is not known before it is loaded.
    expect(look.question.value).toBe('');
    engine.emit({ type: 'modelLoaded', model: LOADED_MODEL });
    expect(look.question.value).toBe('How many cells are mostly blue?');
    expect(look.picture.value?.questions.map(({ text }) => text)).toHaveLength(2);
    const known = { questions: [{ text: 'How many rings?', answer: '0' }], facts: null };
    await look.choosePicture(PIXEL, 'q.png', known);
    expect(look.question.value).toBe('How many rings?');
    look.setQuestion('How many hearts?');
    await look.choosePicture(PIXEL, 'r.png', known);
    expect(look.question.value).toBe('How many hearts?');
  });

  it('suggests nothing of colours to a model that sees no cells', async () => {
    const seen = async () => ({
      words: Array(16).fill('blue'),
      questions: ['How many cells are mostly blue?'],
    });
    const { look, engine } = setUp(undefined, seen);
    engine.emit({ type: 'modelLoaded', model: { ...LOADED_MODEL, seesCells: false } });
    await look.choosePicture(PIXEL, 'p.png');
    expect(look.question.value).toBe('');
    const known = { questions: [{ text: 'How many rings?', answer: '0' }], facts: null };
    await look.choosePicture(PIXEL, 'q.png', known);
    expect(look.question.value).toBe('How many rings?');
    await look.choosePicture(PIXEL, 'p.png');
    engine.emit({ type: 'modelLoaded', model: LOADED_MODEL });
    expect(look.question.value).toBe('How many cells are mostly blue?');
    // A suggestion goes with the model that it was for, unlike a question of one's own.
    engine.emit({ type: 'modelLoaded', model: { ...LOADED_MODEL, seesCells: false } });
    expect(look.question.value).toBe('');
    look.setQuestion('Who is it?');
    engine.emit({ type: 'modelLoaded', model: LOADED_MODEL });
    expect(look.question.value).toBe('Who is it?');
  });

  const several = { ...LOADED_MODEL, seesCells: false, maxPictures: 3 };
  const names = (look: Look) => look.pictures.value.map(({ name }) => name).join('');
  const files = (text: string) => [...text].map((name) => ({ source: PIXEL, name }));

  it('takes several in order, adds, moves and removes, and names them to the engine', async () => {
    const { engine, look } = await loaded(several);
    await look.choosePictures(files('ab'));
    await look.choosePictures(files('c'), true);
    expect(names(look)).toBe('abc');
    expect(look.picture.value).toBeNull();
    const [a, b, c] = look.pictures.value;
    look.arrangePictures([c!, a!]);
    expect(names(look)).toBe('ca');
    void look.ask();
    await tick();
    const [request] = engine.values.get('generate') as [GenerateRequest];
    expect(request.images).toEqual([c!.blob, a!.blob]);
    expect(request.picture).toBe(`${c!.id}, ${a!.id}`);
    expect(new Set([a!.id, b!.id, c!.id]).size).toBe(3);
  });

  it('says which ones there is no room for, and which cannot be read', async () => {
    const { look } = await loaded(several);
    await look.choosePictures(files('abcde'));
    expect(names(look)).toBe('abc');
    expect(look.pictureError.value).toEqual({
      code: 'data/picture-count',
      message: 'A question is about at most 3 pictures. Left out: d, e.',
    });
    await look.choosePictures([{ source: new Blob([]), name: 'empty' }, ...files('f')]);
    expect(names(look)).toBe('f');
    expect(look.pictureError.value?.code).toBe('data/image');
  });

  it('takes one for a model that looks at one, and asks it nothing about more', async () => {
    const { look, engine } = await loaded();
    await look.choosePictures(files('ab'));
    expect(names(look)).toBe('a');
    expect(look.pictureError.value?.message).toMatch(/one picture at a time.* Left out: b\./);
    engine.emit({ type: 'modelLoaded', model: several });
    await look.choosePictures(files('b'), true);
    expect([names(look), look.canAsk.value]).toEqual(['ab', true]);
    engine.emit({ type: 'modelLoaded', model: LOADED_MODEL });
    expect([look.canAsk.value, look.countFits.value]).toEqual([false, false]);
  });

  it('goes on from an answer only about the same pictures in the same order', async () => {
    const { look } = await answered({ ...several, followsUp: true });
    expect(look.turns.value).toHaveLength(1);
    await look.choosePictures(files('b'), true);
    expect(look.turns.value).toEqual([]);
    look.arrangePictures(look.pictures.value.slice(0, 1));
    expect(look.turns.value).toHaveLength(1);
  });

  it('knows the answers that came with a drawn picture, and of its facts any that can be read', async () => {
    const { look } = setUp();
    const questions = [{ text: 'How many rings?', answer: '1' }];
    const ring = { colour: 'blue', shape: 'ring' } as const;
    const facts = { kind: 'sheet', cells: [ring, ring, ...Array(14).fill(null)] } as const;
    await look.choosePicture(PIXEL, 'p.png', { questions, facts });
    const about = (question: string) => look.picture.value?.trueAnswer(question);
    expect(about('How many rings?')).toBe('1');
    expect(about('how many BLUE rings? add three')).toBe('5');
    expect(about('How many dogs?')).toBeNull();
    await look.choosePicture(PIXEL, 'p.png', { questions, facts: null });
    expect(about('How many rings?')).toBe('1');
    expect(about('How many blue rings?')).toBeNull();
  });

  it('tells a file that the browser cannot decode', async () => {
    const { look } = setUp(() => Promise.reject(new Error('no')));
    await look.choosePicture(PIXEL, 'p.png');
    expect(look.pictureError.value?.code).toBe('data/image');
  });
});

describe('asking', () => {
  it('asks only with model, picture and question, and not twice at once', async () => {
    const { engine, look } = await loaded();
    look.setQuestion('  ');
    await look.ask();
    expect(engine.calls).not.toContain('generate');
    look.setQuestion('How many?');
    void look.ask();
    await tick();
    void look.ask();
    await tick();
    expect(engine.calls.filter((name) => name === 'generate')).toHaveLength(1);
    expect(look.canAsk.value).toBe(false);
  });

  it('asks about the pictures that were chosen before it, also while they are still being read', async () => {
    const { engine, look } = await loaded();
    let arrive: (file: Blob) => void = () => undefined;
    const arriving = new Promise<Blob>((resolve) => {
      arrive = resolve;
    });
    void look.choosePicture(arriving, 'q.png');
    void look.ask();
    await tick();
    expect(engine.calls).not.toContain('generate');
    arrive(PIXEL);
    await expect.poll(() => engine.calls.filter((name) => name === 'generate')).toHaveLength(1);
    expect(look.answerPictures.value.map(({ name }) => name)).toEqual(['q.png']);
  });

  it('asks about the picture that stays when the one chosen cannot be read', async () => {
    const { engine, look } = await loaded();
    void look.choosePicture(Promise.reject(new Error('gone')), 'q.png');
    void look.ask();
    await expect.poll(() => engine.calls).toContain('generate');
    expect(look.answerPictures.value.map(({ name }) => name)).toEqual(['p.png']);
    expect(look.pictureError.value).not.toBeNull();
  });

  it('finishes by the event, also when the command resolves before the last tokens', async () => {
    const { engine, look } = await loaded();
    void look.ask();
    await tick();
    engine.emit(token(0, 'a'));
    await engine.resolve('generate', resultOf('ab'));
    expect(look.session.value.answer?.status).toBe('running');
    engine.emit(token(1, 'b'), { type: 'generationFinished', result: resultOf('ab'), segments: [] });
    expect(look.session.value.answer?.text).toBe('ab');
    expect(look.session.value.answer?.status).toBe('finished');
  });

  it('measures the first token on the page’s clock', async () => {
    const { look } = await answered();
    const timing = look.timing.value;
    expect(timing?.firstTokenAt).toBeGreaterThan(timing?.askedAt ?? 0);
  });

  it('keeps the partial answer when the engine breaks, and asks again afterwards', async () => {
    const { engine, look } = await loaded();
    void look.ask();
    await tick();
    engine.emit(token(0, 'a'), { type: 'deviceLost', message: 'gone', recovering: true });
    await engine.reject('generate', { code: 'gpu/device-lost', message: 'gone' });
    expect(look.session.value.answer?.text).toBe('a');
    expect(look.session.value.answer?.status).toBe('interrupted');
    expect(look.canAsk.value).toBe(false);
    const device = { description: 'd', vendor: '', architecture: '', software: true, shaderF16: false };
    engine.emit({ type: 'deviceRestored', device });
    expect(look.canAsk.value).toBe(true);
    void look.regenerate();
    await tick();
    expect(look.session.value.answer?.number).toBe(2);
    expect(engine.calls.filter((name) => name === 'generate')).toHaveLength(2);
  });

  it('regenerates with the same or a new seed', async () => {
    const { look } = await answered();
    void look.regenerate(77);
    await tick();
    expect(look.session.value.answer?.asked.seed).toBe(77);
    expect(look.settings.value.seed).toBe(77);
  });
});

describe('selection', () => {
  it('drives one readout for every view', async () => {
    const { look } = await answered();
    expect(look.readout.value?.range).toEqual({ from: 15, to: 15 });
    look.nextBack();
    expect(look.shown.value).toEqual({ from: 5, to: 9 });
    expect(look.readout.value?.kind).toBe('back');
    look.setPreview({ from: 2, to: 2 });
    expect(look.readout.value?.range).toEqual({ from: 2, to: 2 });
    look.setPreview(null);
    expect(look.readout.value?.range).toEqual({ from: 5, to: 9 });
    look.toLive();
    expect(look.selection.value.kind).toBe('live');
  });

  it('goes back to live with a new question', async () => {
    const { look } = await answered();
    look.pin(3);
    void look.ask();
    await tick();
    expect(look.selection.value.kind).toBe('live');
    expect(look.readout.value).toBeNull();
  });

  it('shows a preview only of recorded steps', async () => {
    const { engine, look } = await loaded();
    void look.ask();
    await tick();
    engine.emit(token(0, 'a'), token(1, 'b'), attention(0, 0.2));
    look.setPreview({ from: 1, to: 1 });
    expect(look.shown.value).toEqual({ from: 0, to: 0 });
  });
});
