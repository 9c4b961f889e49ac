// Makes a training host over scripted trainers, a scripted device and stores in memory: what the tests of training
// run on. A trainer made from a checkpoint goes on exactly as the one that made it.

import { type GpuContext, watchLoss } from '../../../src/gpu/device';
import { LookBackError } from '../../../src/lib/errors';
import type { PlainError } from '../../../src/lib/plain_error';
import type { CheckpointBase } from '../../../src/services/answers/checkpoint_base';
import type { EngineModel, Loaded } from '../../../src/services/answers/engine';
import { GpuTurns } from '../../../src/services/answers/gpu_turns';
import { LiveRuns, type LiveRunsParts } from '../../../src/services/training/live_runs';
import { TrainingHost, type TrainingParts } from '../../../src/services/training/training_host';
import { DEFAULT_TRAIN_CONFIG } from '../../../src/settings/train_settings';
import type { EngineEvent } from '../../../src/worker/protocol/messages';
import type { TrainingPlan } from '../../../src/worker/protocol/training';
import { type Script, scriptedTrainer } from '../../train/scripted_trainer';
import { memoryRuns } from './memory_runs';

export const PLAN: TrainingPlan = {
  ...DEFAULT_TRAIN_CONFIG,
  name: 'A run',
  method: 'sft',
  modelId: 'small',
  source: {
    kind: 'shapes_world',
    pictures: 'both',
    questions: 'all',
    looks: 'one',
    chains: 'own',
    textShare: 0,
    scenes: 8,
    rolloutsPerScene: 2,
    reflectionRate: 0.5,
  },
  adapterId: null,
  evalDatasetId: null,
  mode: 'solution',
  maxSteps: 4,
  saveSteps: 2,
};

/** A device that the test can take away. */
function scriptedDevice() {
  let lose: () => void = () => undefined;
  const lost = new Promise<GPUDeviceLostInfo>((resolve) => {
    lose = () => resolve({ reason: 'unknown', message: 'crashed' } as GPUDeviceLostInfo);
  });
  const traits = { maxBufferBytes: 1, maxBindingBytes: 1 };
  const device = { pushErrorScope: () => undefined, popErrorScope: async () => null };
  const gpu = { traits, device, ...watchLoss(lost) } as unknown as GpuContext;
  return { gpu, lose };
}

export const BASE: CheckpointBase = {
  device: 'scripted',
  profile: 'p',
  modelId: 'small',
  fingerprint: 'f',
  precision: 'f32',
  config: { r: 1, loraAlpha: 2, loraDropout: 0, useRslora: false, baseModel: '', targetModules: '.*' },
  modules: [],
  start: null,
};

export interface ScriptedSetup extends Script {
  /** How many devices there are in a row; default 1. */
  readonly devices?: number;
  readonly refuse?: (what: string) => void;
  /** Called while a trainer is made. */
  readonly onMake?: (made: number, signal: AbortSignal) => unknown;
  readonly base?: () => CheckpointBase;
  readonly notice?: PlainError;
  readonly lock?: LiveRunsParts['lock'];
  readonly now?: () => number;
  /** Stores of another tab. */
  readonly stores?: ReturnType<typeof memoryRuns>;
}

/** A host with everything scripted, and what a test looks at. */
export function scriptedHost(script: ScriptedSetup = {}) {
  const stores = script.stores ?? memoryRuns(script.refuse);
  const devices = Array.from({ length: script.devices ?? 1 }, scriptedDevice);
  const events: EngineEvent[] = [];
  const trainers: ReturnType<typeof scriptedTrainer>[] = [];
  const turns = new GpuTurns();
  const locks = { held: 0 };
  let date = 1000;
  let changes = 0;
  let ids = 0;
  const loadedNow = (): Loaded | undefined => {
    const device = devices.find(({ gpu }) => !gpu.isLost());
    return device && ({ gpu: device.gpu, entry: { id: 'small' } } as unknown as Loaded);
  };
  const changed = (): void => {
    changes++;
  };
  const liveRuns = new LiveRuns({
    ...{ runs: stores.runs, changed },
    lock:
      script.lock ??
      (async () => {
        if (locks.held > 0) return null;
        locks.held++;
        return { release: () => void locks.held-- };
      }),
  });
  const parts: TrainingParts<EngineModel> = {
    engine: {
      get loaded() {
        return loadedNow();
      },
      loadedAfter: async () => {
        const loaded = loadedNow();
        if (loaded) return loaded;
        throw new LookBackError('gpu/device-lost', 'none came back');
      },
      emit: (event) => void events.push(event),
      turns,
    },
    runs: stores.runs,
    trainers: {
      make: async (_loaded, plan, checkpoint, { signal, onPhase }) => {
        onPhase('sampling', 0.5);
        await script.onMake?.(trainers.length, signal);
        const options = { ...script, maxSteps: script.maxSteps ?? plan.maxSteps };
        const trainer = scriptedTrainer(options, checkpoint);
        trainers.push(trainer);
        return {
          trainer,
          base: script.base?.() ?? BASE,
          notice: script.notice ?? null,
          pictureOf: async () => new Blob(['picture']),
        };
      },
      checkSources: async () => undefined,
      memoryPlanner: async () => async () => ({ parts: [], peak: [], programs: [], trainableParameters: 1 }),
    },
    changed,
    now: script.now ?? (() => performance.now()),
    date: () => date++,
    liveRuns,
    createId: () => `run-${++ids}`,
  };
  const host = new TrainingHost(parts);
  const statuses = () => events.flatMap((event) => (event.type === 'trainingChanged' ? [event.status] : []));
  /** Waits until the newest status told has one of these states. */
  const until = async (...states: string[]) => {
    for (let turn = 0; turn < 2000 && !states.includes(statuses().at(-1)?.state ?? ''); turn++) {
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    if (!states.includes(statuses().at(-1)?.state ?? '')) {
      throw new Error(`never ${states.join()}, but ${JSON.stringify(statuses().at(-1))}`);
    }
    // The lock is given back just after the end is told.
    await new Promise((resolve) => setTimeout(resolve, 0));
  };
  return {
    host,
    liveRuns,
    stores,
    devices,
    events,
    trainers,
    turns,
    locks,
    statuses,
    until,
    changes: () => changes,
  };
}
