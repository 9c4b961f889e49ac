// The engine whole, over a scripted model and device: states, events, stop, cancel, bad requests, and a lost device.
import { describe, expect, it } from 'vitest';
import { GeneratedAnswer, generate } from '../../../src/generation/generate';
import { type GpuContext, watchLoss } from '../../../src/gpu/device';
import { DataError, GpuError, LookBackError, ModelError } from '../../../src/lib/errors';
import { parseLookBackPrompts } from '../../../src/lookback/prompts';
import type { LoraAdapter } from '../../../src/model/lora';
import type { ModelSpec } from '../../../src/model/spec';
import { AnswerHost, type AnswerParts } from '../../../src/services/answers/answer_host';
import { Engine, type EngineModel, type EngineParts } from '../../../src/services/answers/engine';
import { EventQueue } from '../../../src/services/answers/engine_events';
import { type CommandHosts, serveCommands } from '../../../src/worker/commands';
import type { GenerateRequest } from '../../../src/worker/protocol/answers';
import type { EngineEvent, EventBatch } from '../../../src/worker/protocol/messages';
import { anyRequest, scriptedSession, wordDecoder } from '../../generation/scripted_session';

const WORDS = ['', '<think>', ' so', ' </think>', ' <back>', ' red', ' </back>', ' \\boxed{', ' 12', ' }'];
const EOS = 10;
const ANSWER = [1, 2, 3, 4, 5, 6, 1, 2, 3, 7, 8, 9, EOS];
const TEXT = '<think> so </think> <back> red </back><think> so </think> \\boxed{ 12 }';

/** A device that the test can take away. */
function scriptedDevice(description: string) {
  let lose: (info: GPUDeviceLostInfo) => void = () => undefined;
  const gone = new Promise<GPUDeviceLostInfo>((resolve) => {
    lose = resolve;
  });
  const traits = { description, vendor: 'v', architecture: 'a', software: true, shaderF16: false };
  const context = { traits, ...watchLoss(gone) } as unknown as GpuContext;
  return { context, lose: () => lose({ reason: 'unknown', message: 'crashed' } as GPUDeviceLostInfo) };
}

interface Setup {
  /** Called before each step of an answer. */
  readonly onStep?: (step: number) => void | Promise<void>;
  readonly devices?: (ReturnType<typeof scriptedDevice> | GpuError)[];
  readonly open?: EngineParts<EngineModel>['registry']['open'];
  readonly decodeImage?: AnswerParts['decodeImage'];
  readonly maxTokens?: number;
  /** Cells per side that the model sees. */
  readonly grid?: number;
  readonly shelf?: AnswerParts['shelf'];
  /** Filled with the turns before each question; the model follows up where it is given. */
  readonly conversations?: (readonly { text: string; answer: string }[])[];
  /** Filled with the adapters that the model is given. */
  readonly adapters?: (LoraAdapter | null)[];
  readonly warmUp?: () => Promise<void>;
}

const entry = { id: 'small', label: 'Small', folder: 'models/small', bytes: 7, files: [] };
const prompts = parseLookBackPrompts({
  modes: { cot: { suffix: '' }, solution: { suffix: 'use back' } },
  grid: 3,
  knows: 'Shapes.',
  max_new_tokens: 160,
});

function scriptedModel(setup: Setup): EngineModel & { destroyed: boolean } {
  return {
    destroyed: false,
    model: {
      parameterCount: 42,
      config: { text: { numHiddenLayers: 4, numAttentionHeads: 2 } } as unknown as ModelSpec,
    },
    processor: {
      tokenizer: { encodePlain: () => [], decode: () => '', lookUpWords: () => [], vocabulary: () => [] },
    },
    prompts: { ...prompts, grid: setup.grid ?? 3 },
    square: true,
    maxTokens: setup.maxTokens ?? 512,
    followsUp: setup.conversations !== undefined,
    see: (received) => {
      const { width, height } = received;
      const [pixelValues, split] = [new Float32Array(0), { rows: 0, cols: 0 }];
      return { pixelValues, gridThw: [1, 6, 6], split, width, height, received };
    },
    prepare: () => {
      throw new Error('Answers see a picture before they prepare its prompt.');
    },
    prepareSeen: ({ image, earlier = [] }) => {
      setup.conversations?.push(earlier);
      return {
        ...anyRequest(1, 9),
        prompt: { inputIds: [1, 2, 3], images: [] },
        grid: [3, 3],
        split: { rows: 0, cols: 0 },
        resizedWidth: image.width,
        resizedHeight: image.height,
      };
    },
    start: async ({ sampling, continues }, { signal, capture }) => {
      const session = scriptedSession({
        ids: [ANSWER],
        ...(setup.onStep ? { onStep: setup.onStep } : {}),
        ...(capture === 'none'
          ? {}
          : { masses: () => [0, 0.5, 0, 0.25, 0.25], map: () => [0.1, 0, 0, 0, 0, 0, 0, 0, 0.4] }),
      });
      const answer = new GeneratedAnswer(wordDecoder(WORDS));
      const options = { eosTokenIds: [EOS], capture: capture !== 'none', mapLayers: 1, batch: 1, signal };
      const request = { ...anyRequest(sampling.maxNewTokens, 9), sampling };
      return {
        answer,
        events: generate(session, request, options, answer),
        reusedTokens: () => (continues ? 2 : 0),
      };
    },
    warmUp: async (onCompiled) => {
      await setup.warmUp?.();
      onCompiled?.();
    },
    setAdapter(adapter) {
      setup.adapters?.push(adapter);
    },
    destroy() {
      this.destroyed = true;
    },
  };
}

function engineOf(setup: Setup = {}) {
  const devices = setup.devices ?? [scriptedDevice('one')];
  const models: (EngineModel & { destroyed: boolean })[] = [];
  let time = 0;
  const queue = new EventQueue((task) => queueMicrotask(task));
  const engine = new Engine<EngineModel>({
    events: queue,
    acquireDevice: async () => {
      const next = devices.length > 1 ? devices.shift() : devices[0];
      if (next === undefined || next instanceof GpuError)
        throw next ?? new GpuError('gpu/no-adapter', 'none');
      return next.context;
    },
    registry: {
      list: async () => [entry],
      open:
        setup.open ??
        (async (_, onProgress) => {
          onProgress(7, 7);
          return { entry, files: { name: 'small', open: async () => null } };
        }),
    },
    loadModel: async () => {
      const model = scriptedModel(setup);
      models.push(model);
      return model;
    },
    sleep: () => new Promise((resolve) => setTimeout(resolve, 0)),
  });
  const answers = new AnswerHost({
    ...{ engine, events: queue, now: () => time++ },
    shelf: setup.shelf ?? { adapterFor: async () => Promise.reject(new Error('no adapter here')) },
    decodeImage:
      setup.decodeImage ??
      (async () => ({
        pixels: { width: 2, height: 2, channels: 3, data: new Uint8Array(12) },
        sourceWidth: 20,
        sourceHeight: 20,
        notes: ['a note'],
      })),
  });
  const hosts = { engine, answers } as unknown as CommandHosts;
  const commands = serveCommands(hosts, () => queue.flush());
  const events: EngineEvent[] = [];
  const port = { postMessage: (batch: EventBatch) => events.push(...batch.events) } as unknown as MessagePort;
  const states = () => events.flatMap((event) => (event.type === 'stateChanged' ? [event.state] : []));
  return { engine, commands, events, port, models, states };
}

const REQUEST: GenerateRequest = {
  image: new Blob(['x']),
  picture: 'picture 3',
  question: 'How many?',
  expected: '12.0',
  mode: 'solution',
  temperature: 0,
  topP: 1,
  topK: 0,
  repetitionPenalty: 1,
  seed: 7,
  maxNewTokens: 160,
  maxImageTokens: 1024,
  capture: true,
  adapter: null,
};

async function ready(setup: Setup = {}) {
  const made = engineOf(setup);
  await made.engine.connect(made.port);
  await made.commands.load('small');
  return made;
}

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
    expect(await engine.connect(port)).toEqual({ version: 4 });
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
      prompt: { promptTokens: 3, grid: [3, 3], sourceWidth: 20, notes: ['a note'], cells: null },
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
    expect(prompt?.cells?.slice(10)).toEqual(['blue', 'blue', 'red', 'red', 'red', 'red']);
    expect(await ask('How many red cells? Add 4.')).toMatchObject({
      verdict: { equal: false },
      truth: { answers: ['8'], word: 'red' },
    });
    expect(await ask('What is 7 plus 5?')).toMatchObject({ verdict: { equal: true }, truth: { word: null } });
    expect(await ask('How many red squares?')).toMatchObject({ verdict: null, truth: null });
    expect(await ask('How many red cells?', '12')).toMatchObject({ verdict: { equal: true }, truth: null });
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
    ['an image that is no file', { image: 'x' as unknown as Blob }],
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
