// An engine whole, over a scripted model and device: what the tests of states, events and answers run on.
import { GeneratedAnswer, generate } from '../../../src/generation/generate';
import { type GpuContext, watchLoss } from '../../../src/gpu/device';
import { GpuError } from '../../../src/lib/errors';
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
export const ANSWER = [1, 2, 3, 4, 5, 6, 1, 2, 3, 7, 8, 9, EOS];
export const TEXT = '<think> so </think> <back> red </back><think> so </think> \\boxed{ 12 }';

/** A device that the test can take away. */
export function scriptedDevice(description: string) {
  let lose: (info: GPUDeviceLostInfo) => void = () => undefined;
  const gone = new Promise<GPUDeviceLostInfo>((resolve) => {
    lose = resolve;
  });
  const traits = { description, vendor: 'v', architecture: 'a', software: true, shaderF16: false };
  const context = { traits, ...watchLoss(gone) } as unknown as GpuContext;
  return { context, lose: () => lose({ reason: 'unknown', message: 'crashed' } as GPUDeviceLostInfo) };
}

export interface Setup {
  /** Called before each step of an answer. */
  readonly onStep?: (step: number) => void | Promise<void>;
  /** Called before an answer is looked at in every layer and head. */
  readonly onLook?: (ids: readonly number[]) => void | Promise<void>;
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
  readonly doubtOf?: () => Promise<string | null>;
}

export const entry = { id: 'small', label: 'Small', folder: 'models/small', bytes: 7, files: [] };
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
      ...{ parameterCount: 42, precision: 'f32' },
      config: { text: { numHiddenLayers: 4, numAttentionHeads: 2 } } as unknown as ModelSpec,
    },
    processor: {
      tokenizer: { encodePlain: () => [], decode: () => '', lookUpWords: () => [], vocabulary: () => [] },
    },
    prompts: { ...prompts, grid: setup.grid ?? 3 },
    square: true,
    maxTokens: setup.maxTokens ?? 512,
    maxPictures: 4,
    followsUp: setup.conversations !== undefined,
    see: (received) => {
      const { width, height } = received;
      const [pixelValues, split] = [new Float32Array(0), { rows: 0, cols: 0 }];
      return { pixelValues, gridThw: [1, 6, 6], split, width, height, received };
    },
    prepare: () => {
      throw new Error('Answers see a picture before they prepare its prompt.');
    },
    prepareSeen: ({ images, earlier = [] }) => {
      setup.conversations?.push(earlier);
      // The first picture takes the nine image tokens that are scripted, or shares them with a second one.
      const grids = images.length === 1 ? [[3, 3] as const] : [[2, 3] as const, [1, 3] as const];
      const pictures = images.map(({ width, height }, at) => {
        const grid = grids[at] ?? [0, 0];
        const split = { rows: 0, cols: 0 };
        return { imageTokens: grid[0] * grid[1], grid, split, resizedWidth: width, resizedHeight: height };
      });
      return { ...anyRequest(1, 9), prompt: { inputIds: [1, 2, 3], images: [] }, pictures };
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
    captureHeads: async (_, ids, signal) => {
      await setup.onLook?.(ids);
      signal?.throwIfAborted();
      // Four layers of two heads over nine image tokens; half of each head's mass is on its own image token.
      const masses = Float32Array.from({ length: 8 * 5 }, (_, at) => [0.1, 0.5, 0.2, 0.1, 0.1][at % 5]!);
      const maps = new Float32Array(8 * 9);
      for (let row = 0; row < 8; row++) maps[row * 9 + row] = 0.5;
      return { masses, maps };
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

export function engineOf(setup: Setup = {}) {
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
    ...(setup.doubtOf ? { doubtOf: setup.doubtOf } : {}),
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

export const REQUEST: GenerateRequest = {
  images: [new Blob(['x'])],
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

export async function ready(setup: Setup = {}) {
  const made = engineOf(setup);
  await made.engine.connect(made.port);
  await made.commands.load('small');
  return made;
}
