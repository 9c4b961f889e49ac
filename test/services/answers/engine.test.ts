// The engine whole, over a scripted model and device: states, events, stop, cancel, bad requests, and a lost device.
import { describe, expect, it } from 'vitest';
import { DataError, GpuError, LookBackError, ModelError } from '../../../src/lib/errors';
import type { LoraAdapter } from '../../../src/model/lora';
import type { GenerateRequest } from '../../../src/worker/protocol/answers';
import { ANSWER, engineOf, entry, REQUEST, ready, type Setup, scriptedDevice, TEXT } from './scripted_engine';

const until = async (holds: () => boolean) => {
  for (let turn = 0; turn < 1000 && !holds(); turn++) await new Promise((resolve) => setTimeout(resolve, 0));
  expect(holds()).toBe(true);
};

describe('what an answer is graded by', () => {
  it('says nothing where nothing is expected, and measures no phases that were not recorded', async () => {
    const { commands } = await ready();
    const result = await commands.generate({ ...REQUEST, expected: null, capture: false });
    expect([result.verdict, result.phases]).toEqual([null, null]);
  });
});

describe('loading', () => {
  it('goes through its phases in order and describes the model', async () => {
    const { engine, commands, events, port, states } = engineOf();
    expect(await engine.connect(port)).toEqual({ version: 5 });
    expect(await commands.listModels()).toEqual([
      { id: 'small', label: 'Small', folder: 'models/small', bytes: 7 },
    ]);
    const model = await commands.load('small');
    expect(model).toMatchObject({
      parameters: 42,
      layers: 4,
      heads: 2,
      modes: ['cot', 'solution'],
      square: true,
      maxNewTokens: 160,
      knows: 'Shapes.',
    });
    const phases = events.flatMap((event) => (event.type === 'loadProgressed' ? [event.phase] : []));
    expect([...new Set(phases)]).toEqual(['device', 'download', 'check', 'compile', 'warm-up']);
    expect(states()).toEqual(['idle', 'loading', 'ready']);
    expect(events.map(({ type }) => type)).toContain('deviceReady');
  });

  it('says what speaks against the weights, and keeps the model', async () => {
    const { engine, commands, events, port, states } = engineOf({ doubtOf: async () => 'as noise' });
    await engine.connect(port);
    expect((await commands.load('small')).doubt).toBe('as noise');
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'modelLoaded', model: expect.objectContaining({ doubt: 'as noise' }) }),
    );
    expect(states()).toEqual(['idle', 'loading', 'ready']);
    expect((await engineOf().commands.load('small')).doubt).toBeNull();
  });

  it('replaces the model and keeps the device', async () => {
    const { commands, events, models } = await ready();
    await commands.load('small');
    expect(models.map(({ destroyed }) => destroyed)).toEqual([true, false]);
    expect(events.filter(({ type }) => type === 'deviceReady')).toHaveLength(1);
  });

  it('can be cancelled, and started again', async () => {
    let cancelled = false;
    const { engine, commands, port, states } = engineOf({
      open: async (_, onProgress, signal) => {
        onProgress(1, 7);
        if (!cancelled) {
          cancelled = true;
          await commands.cancelLoad();
          signal?.throwIfAborted();
        }
        return { entry, files: { name: 'small', open: async () => null } };
      },
    });
    await engine.connect(port);
    await expect(commands.load('small')).rejects.toMatchObject({ code: 'engine/cancelled' });
    expect(states().at(-1)).toBe('idle');
    await commands.load('small');
    expect(states().at(-1)).toBe('ready');
  });

  it('fails in words, and may be tried again', async () => {
    let broken = true;
    const open = async () => {
      if (broken) throw new ModelError('model/integrity', 'damaged', { url: 'x' });
      return { entry, files: { name: 'small', open: async () => null } };
    };
    const { engine, commands, events, port, states } = engineOf({ open });
    await engine.connect(port);
    await expect(commands.load('small')).rejects.toEqual({
      code: 'model/integrity',
      message: 'damaged',
      data: { url: 'x' },
    });
    expect(events).toContainEqual({
      type: 'failed',
      error: { code: 'model/integrity', message: 'damaged', data: { url: 'x' } },
    });
    expect(states().at(-1)).toBe('failed');
    broken = false;
    await commands.load('small');
    expect(states().at(-1)).toBe('ready');
  });

  it('reports that there is no adapter', async () => {
    const { engine, commands, port } = engineOf({ devices: [new GpuError('gpu/no-adapter', 'no adapter')] });
    await engine.connect(port);
    await expect(commands.load('small')).rejects.toMatchObject({ code: 'gpu/no-adapter' });
  });

  it('frees a model that was cancelled while it warmed up', async () => {
    const { engine, commands, port, models } = engineOf({ warmUp: async () => commands.cancelLoad() });
    await engine.connect(port);
    await expect(commands.load('small')).rejects.toMatchObject({ code: 'engine/cancelled' });
    expect(models[0]?.destroyed).toBe(true);
  });
});

describe('answering', () => {
  it('reports prompt, tokens with their attention, and the result last', async () => {
    const { commands, events, states } = await ready();
    events.length = 0;
    const result = await commands.generate(REQUEST);
    expect(result).toMatchObject({ text: TEXT, answer: '12' });
    // The request expects 12.0: the verdict is the evaluation's, and the result names what it belongs to.
    expect(result.about).toEqual({ picture: 'picture 3', question: 'How many?' });
    expect(result.verdict).toEqual({ equal: true, rule: 'equal numbers', grader: 'method' });
    expect(result.phases?.inBack).toBeTypeOf('number');
    expect(result.stats).toMatchObject({
      promptTokens: 3,
      generatedTokens: ANSWER.length,
      seed: 7,
      finishReason: 'eos',
    });
    expect(result.stats.tokensPerSecond).toBeGreaterThan(0);
    const tokens = events.flatMap((event) => (event.type === 'tokensGenerated' ? event.tokens : []));
    expect(tokens.map(({ step }) => step)).toEqual([...ANSWER.keys()]);
    expect(tokens.map(({ text }) => text).join('')).toBe(TEXT);
    const attention = events.filter((event) => event.type === 'attentionRecorded');
    expect(attention.map(({ step }) => step)).toEqual([...ANSWER.keys()].slice(0, -1));
    expect(attention[0]).toMatchObject({ shares: { image: 0.5 } });
    const prompt = events.find((event) => event.type === 'promptReady');
    expect(prompt).toMatchObject({
      prompt: {
        promptTokens: 3,
        pictures: [{ grid: [3, 3], sourceWidth: 20, notes: ['a note'], cells: null }],
      },
    });
    const finished = events.findIndex(({ type }) => type === 'generationFinished');
    expect(events.slice(finished).map(({ type }) => type)).toEqual(['generationFinished', 'stateChanged']);
    expect(events[finished]).toMatchObject({
      segments: [{ kind: 'think' }, { kind: 'back', closed: true }, { kind: 'think' }, { kind: 'answer' }],
    });
    expect(states().slice(-2)).toEqual(['generating', 'ready']);
  });

  it('is judged by the pixels where nobody knows the answer', async () => {
    // Four rows of 16 pixels: the upper three blue, the lowest red.
    const data = new Uint8Array(64 * 64 * 3);
    for (let at = 0; at < data.length; at += 3)
      data.set(at < 48 * 64 * 3 ? [32, 80, 216] : [216, 32, 42], at);
    const pixels = { width: 64, height: 64, channels: 3, data };
    const decodeImage = async () => ({ pixels, sourceWidth: 64, sourceHeight: 64, notes: [] });
    const { commands, events } = await ready({ grid: 4, decodeImage });
    const ask = (question: string, expected: string | null = null) =>
      commands.generate({ ...REQUEST, question, expected });
    expect(await ask('How many cells are mostly blue?')).toMatchObject({
      answer: '12',
      verdict: { equal: true },
      truth: { answers: ['12'], unclear: [], word: 'blue' },
    });
    const prompt = events.find((event) => event.type === 'promptReady')?.prompt;
    expect(prompt?.pictures[0]?.cells?.slice(10)).toEqual(['blue', 'blue', 'red', 'red', 'red', 'red']);
    expect(await ask('How many red cells? Add 4.')).toMatchObject({
      verdict: { equal: false },
      truth: { answers: ['8'], word: 'red' },
    });
    expect(await ask('What is 7 plus 5?')).toMatchObject({ verdict: { equal: true }, truth: { word: null } });
    expect(await ask('How many red squares?')).toMatchObject({ verdict: null, truth: null });
    expect(await ask('How many red cells?', '12')).toMatchObject({ verdict: { equal: true }, truth: null });
  });

  it('tells the pictures of a question apart, in their order', async () => {
    const { commands, events } = await ready();
    events.length = 0;
    await commands.generate({ ...REQUEST, images: [new Blob(['x']), new Blob(['y'])] });
    const prompt = events.find((event) => event.type === 'promptReady')?.prompt;
    expect(prompt?.pictures.map(({ grid }) => grid)).toEqual([
      [2, 3],
      [1, 3],
    ]);
    const attention = events.find((event) => event.type === 'attentionRecorded');
    // Six cells of the first picture, then three of the second.
    expect([...(attention?.map ?? [])].map((value) => value.toFixed(1))).toEqual(
      '0.1 0.0 0.0 0.0 0.0 0.0 0.0 0.0 0.4'.split(' '),
    );
  });

  it('is cut to the room that the prompt leaves', async () => {
    const { commands } = await ready({ maxTokens: 7 });
    expect((await commands.generate(REQUEST)).stats).toMatchObject({
      generatedTokens: 4,
      finishReason: 'length',
    });
  });

  it('refuses a prompt that leaves no room', async () => {
    const { commands } = await ready({ maxTokens: 3 });
    await expect(commands.generate(REQUEST)).rejects.toMatchObject({ code: 'data/prompt-length' });
    expect((await commands.listModels()).length).toBe(1);
  });

  it('stops within a step and keeps the text', async () => {
    const made = await ready({
      onStep: async (step) => {
        if (step === 4) await made.commands.stop();
      },
    });
    const result = await made.commands.generate(REQUEST);
    expect(result.stats.finishReason).toBe('stopped');
    expect(result.text).toBe('<think> so </think> <back> red');
    expect(made.states().at(-1)).toBe('ready');
  });

  it('goes on with a conversation, and refuses to where the model knows single questions only', async () => {
    const earlier = [{ question: 'How many?', mode: 'cot', answer: '12' }] as const;
    const conversations: Setup['conversations'] = [];
    const { commands } = await ready({ conversations });
    expect((await commands.generate(REQUEST)).stats.reusedTokens).toBe(0);
    const result = await commands.generate({ ...REQUEST, earlier });
    expect(result.stats.reusedTokens).toBe(2);
    expect(conversations).toEqual([[], [{ text: 'How many?', mode: 'cot', answer: '12' }]]);
    await expect((await ready()).commands.generate({ ...REQUEST, earlier })).rejects.toThrow(
      /trained on single questions/,
    );
    const endless = Array.from({ length: 101 }, () => earlier[0]);
    await expect(commands.generate({ ...REQUEST, earlier: endless })).rejects.toThrow(/more than 100 turns/);
  });

  it('refuses a second question meanwhile, and any before a model is there', async () => {
    const { engine, commands, port } = engineOf();
    await engine.connect(port);
    await expect(commands.generate(REQUEST)).rejects.toMatchObject({ code: 'engine/state' });
    await commands.load('small');
    const first = commands.generate(REQUEST);
    await expect(commands.generate(REQUEST)).rejects.toMatchObject({
      code: 'engine/state',
      data: { state: 'generating' },
    });
    await expect(commands.load('small')).rejects.toMatchObject({ code: 'engine/state' });
    expect((await first).answer).toBe('12');
  });

  it.each<[string, Partial<GenerateRequest>]>([
    ['an empty question', { question: '  ' }],
    ['an endless question', { question: 'x'.repeat(9000) }],
    ['a mode that is none', { mode: 'loud' as GenerateRequest['mode'] }],
    ['a temperature below 0', { temperature: -1 }],
    ['a temperature that is no number', { temperature: Number.NaN }],
    ['a topP of 0', { topP: 0 }],
    ['a fractional topK', { topK: 1.5 }],
    ['a penalty of 0', { repetitionPenalty: 0 }],
    ['a seed above 32 bits', { seed: 2 ** 32 }],
    ['no new tokens', { maxNewTokens: 0 }],
    ['an adapter of negative strength', { adapter: { id: 'a', strength: -1 } }],
    ['an adapter that is too strong', { adapter: { id: 'a', strength: 1.6 } }],
    ['an adapter of no strength', { adapter: { id: 'a', strength: Number.NaN } }],
    ['an image that is no file', { images: ['x' as unknown as Blob] }],
    ['no image', { images: [] }],
  ])('refuses %s and stays ready', async (_, change) => {
    const { commands, states } = await ready();
    await expect(commands.generate({ ...REQUEST, ...change })).rejects.toMatchObject({
      code: 'usage/argument',
    });
    expect(states().at(-1)).toBe('ready');
    expect((await commands.generate(REQUEST)).answer).toBe('12');
  });

  it('passes on what is wrong with a picture and stays ready', async () => {
    let broken = true;
    const { commands, states } = await ready({
      decodeImage: async () => {
        if (broken) throw new DataError('data/image', 'not a picture');
        return {
          pixels: { width: 1, height: 1, channels: 3, data: new Uint8Array(3) },
          sourceWidth: 1,
          sourceHeight: 1,
          notes: [],
        };
      },
    });
    await expect(commands.generate(REQUEST)).rejects.toEqual({
      code: 'data/image',
      message: 'not a picture',
    });
    expect(states().at(-1)).toBe('ready');
    broken = false;
    expect((await commands.generate(REQUEST)).answer).toBe('12');
  });
});

describe('adapters and training beside it', () => {
  const shelfOf = (strengths: number[]) => ({
    adapterFor: async (id: string) => {
      if (id !== 'mine') throw new LookBackError('storage/missing', 'gone');
      return { setStrength: (strength: number) => void strengths.push(strength) } as unknown as LoraAdapter;
    },
  });

  it('puts the asked adapter before the model, and takes it away again', async () => {
    const adapters: (LoraAdapter | null)[] = [];
    const strengths: number[] = [];
    const { commands } = await ready({ adapters, shelf: shelfOf(strengths) });
    await commands.generate({ ...REQUEST, adapter: { id: 'mine', strength: 0.5 } });
    await commands.generate(REQUEST);
    expect(adapters.map((adapter) => adapter !== null)).toEqual([true, false]);
    expect(strengths).toEqual([0.5]);
    await expect(
      commands.generate({ ...REQUEST, adapter: { id: 'other', strength: 1 } }),
    ).rejects.toMatchObject({ code: 'storage/missing' });
    expect((await commands.generate(REQUEST)).answer).toBe('12');
  });

  it('keeps the model while training needs it', async () => {
    const { engine, commands, models, states } = await ready();
    let released = 0;
    const release = () => {
      released += 1;
    };
    engine.addUser({ release });
    const keeping = {
      checkRelease: () => {
        throw new LookBackError('train/busy', 'pause it first');
      },
    };
    engine.addUser({ ...keeping, release });
    await expect(commands.load('small')).rejects.toEqual({ code: 'train/busy', message: 'pause it first' });
    expect(released).toBe(0);
    expect(models.map(({ destroyed }) => destroyed)).toEqual([false]);
    expect(states().at(-1)).toBe('ready');
  });

  it('waits for its turn on the device, and can be stopped while it waits', async () => {
    const { engine, commands, states } = await ready();
    let pass: () => void = () => undefined;
    const step = engine.turns.train(() => new Promise<void>((resolve) => (pass = resolve)));
    const waiting = commands.generate(REQUEST);
    await until(() => states().at(-1) === 'generating');
    await commands.stop();
    await expect(waiting).rejects.toMatchObject({ code: 'engine/cancelled' });
    const answered = commands.generate(REQUEST);
    pass();
    await step;
    expect((await answered).answer).toBe('12');
  });

  it('hands over the model on the device that follows a lost one, or says that none does', async () => {
    const [one, two] = [scriptedDevice('one'), scriptedDevice('two')];
    const { engine, states } = await ready({
      devices: [one, two, new GpuError('gpu/no-adapter', 'none')],
    });
    const cancel = new AbortController();
    const again = engine.loadedAfter(one.context, cancel.signal);
    one.lose();
    expect((await again).gpu).toBe(two.context);
    const waiting = engine.loadedAfter(two.context, cancel.signal);
    cancel.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    two.lose();
    await expect(engine.loadedAfter(two.context, new AbortController().signal)).rejects.toMatchObject({
      code: 'gpu/device-lost',
    });
    expect(states().at(-1)).toBe('failed');
  });
});

describe('a lost device', () => {
  it('fails the running answer, keeps its text, and comes back with the model', async () => {
    const [one, two] = [scriptedDevice('one'), scriptedDevice('two')];
    let hang = true;
    const { commands, events, states, models } = await ready({
      devices: [one, new GpuError('gpu/no-adapter', 'restarting'), two],
      // A step on a lost device may never settle.
      onStep: (step) => {
        if (step !== 5 || !hang) return;
        one.lose();
        return new Promise(() => undefined);
      },
    });
    await expect(commands.generate(REQUEST)).rejects.toMatchObject({ code: 'gpu/device-lost' });
    hang = false;
    const text = events
      .flatMap((event) => (event.type === 'tokensGenerated' ? event.tokens : []))
      .map((token) => token.text);
    expect(text.join('')).toBe('<think> so </think> <back> red');
    await until(() => states().at(-1) === 'ready');
    expect(events).toContainEqual({ type: 'deviceLost', message: 'crashed', recovering: true });
    expect(events.find(({ type }) => type === 'deviceRestored')).toMatchObject({
      device: { description: 'two' },
    });
    expect(models).toHaveLength(2);
    expect((await commands.generate(REQUEST)).answer).toBe('12');
  });

  it('says plainly when no adapter comes back', async () => {
    const one = scriptedDevice('one');
    const { commands, events, states } = await ready({
      devices: [one, new GpuError('gpu/no-adapter', 'no adapter answered')],
    });
    one.lose();
    await until(() => states().at(-1) === 'failed');
    expect(events).toContainEqual({ type: 'deviceLost', message: 'no adapter answered', recovering: false });
    expect(events).toContainEqual({
      type: 'failed',
      error: { code: 'gpu/no-adapter', message: 'no adapter answered' },
    });
    await expect(commands.generate(REQUEST)).rejects.toMatchObject({ code: 'engine/state' });
  });

  it('can be lost twice', async () => {
    const devices = ['one', 'two', 'three'].map(scriptedDevice);
    const { commands, states, events } = await ready({ devices: [...devices] });
    for (const device of devices.slice(0, 2)) {
      device?.lose();
      await until(() => states().at(-1) === 'loading');
      await until(() => states().at(-1) === 'ready');
    }
    expect(events.filter(({ type }) => type === 'deviceRestored')).toHaveLength(2);
    expect((await commands.generate(REQUEST)).answer).toBe('12');
  });

  it('during a load fails the load', async () => {
    const one = scriptedDevice('one');
    const { engine, commands, port, states } = engineOf({
      devices: [one, scriptedDevice('two')],
      warmUp: async () => {
        one.lose();
        await new Promise(() => undefined);
      },
    });
    await engine.connect(port);
    await expect(commands.load('small')).rejects.toMatchObject({ code: 'gpu/device-lost' });
    expect(states().at(-1)).toBe('failed');
  });
});
