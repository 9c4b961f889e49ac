// Makes a host of evaluations over a store in memory and a model whose answers are scripted: without an adapter it is wrong
// at every third question; with one it looks back and is right, but for the fourth.

import { DataError, StorageError } from '../../../src/lib/errors';
import type { SceneOutcome } from '../../../src/lookback/evaluation';
import type { EvaluatedModel } from '../../../src/lookback/evaluation_run';
import type { LoraAdapter } from '../../../src/model/lora';
import type { Loaded } from '../../../src/services/answers/engine';
import { GpuTurns } from '../../../src/services/answers/gpu_turns';
import {
  type EvaluableModel,
  EvaluationHost,
  type EvaluationParts,
} from '../../../src/services/evaluation/evaluation_host';
import { LiveRuns } from '../../../src/services/training/live_runs';
import { EVALUATION_PAGE_SETTINGS } from '../../../src/settings/evaluation_settings';
import { defaultsOf } from '../../../src/settings/read_settings';
import type { StoredRow } from '../../../src/storage/dataset_store';
import type { StoredOutcome } from '../../../src/storage/evaluation_store';
import type { EvaluationRecord } from '../../../src/storage/records';
import type { EvaluationPlan } from '../../../src/worker/protocol/evaluation';
import type { EngineEvent } from '../../../src/worker/protocol/messages';
import { scriptedModel } from '../../lookback/scripted_model';
import { memoryRuns } from '../training/memory_runs';

/** Six rows of a dataset, the base against an adapter, two at a time. */
export const PLAN: EvaluationPlan = {
  ...defaultsOf(EVALUATION_PAGE_SETTINGS),
  ...{ count: 6, batch: 2, source: { kind: 'dataset', datasetId: 'd', name: 'Six' } },
  sides: [
    { adapter: null, mode: 'cot' },
    { adapter: { id: 'a', name: 'A', strength: 0.5 }, mode: 'solution' },
  ],
};

/** A row whose right answer is its number. */
export const row = (index: number): StoredRow => ({
  ...{ image: new Blob([`${index}`]), imageName: `${index}.png`, question: `q${index}`, answer: `${index}` },
  response: null,
});

const plain = (answer: number): string => `<think> i see ${answer} </think> \\boxed{ ${answer} }`;
const turned = (first: number, last: number): string =>
  `<think> i see ${first} </think> <back> a look </back> <think> so ${last} </think> \\boxed{ ${last} }`;

/** What is stored; shared by the tabs of a test. */
export function memoryStore() {
  const kept = new Map<
    string,
    { record: EvaluationRecord<EvaluationPlan>; sides: StoredOutcome<SceneOutcome>[][] }
  >();
  const present = (id: string) => {
    const found = kept.get(id);
    if (found === undefined) throw new StorageError('storage/missing', 'gone');
    return found;
  };
  const store: EvaluationParts['store'] = {
    list: async () => [...kept.values()].map(({ record }) => record),
    read: async (id) => structuredClone(present(id)),
    begin: async (start, sides) => {
      const none = Array<number>(sides).fill(0);
      const record = { ...start, done: none, seconds: none, revision: 0, bytes: 7 };
      kept.set(start.id, { record, sides: none.map(() => []) });
      return record;
    },
    append: async (id, side, rows, seconds) => {
      const one = present(id);
      one.sides[side]!.push(...rows);
      const plus = (values: readonly number[], by: number) =>
        values.map((v, at) => (at === side ? v + by : v));
      const { done, seconds: before, revision } = one.record;
      const change = {
        done: plus(done, rows.length),
        seconds: plus(before, seconds),
        revision: revision + 1,
      };
      one.record = { ...one.record, ...change };
      return one.record;
    },
    delete: async (id) => (kept.delete(id) ? 7 : 0),
  };
  return store;
}

const PICTURE = {
  pixels: { width: 1, height: 1, channels: 3, data: new Uint8Array(3) },
  ...{ sourceWidth: 1, sourceHeight: 1, notes: [] },
} as const;

/** A tab: a host over a store that may be shared. */
export function evaluationTab(
  store: EvaluationParts['store'],
  script: {
    readonly rows?: readonly StoredRow[];
    readonly onAnswer?: (question: string) => unknown;
    readonly fingerprint?: string;
    /** Instead of the scripted one. */
    readonly model?: EvaluatedModel;
  } = {},
) {
  const { rows = Array.from({ length: 6 }, (_, index) => row(index)), fingerprint = 'f' } = script;
  const events: EngineEvent[] = [];
  const strengths: number[] = [];
  let before: LoraAdapter | null = null;
  const model = {
    ...(script.model ??
      scriptedModel(async (question) => {
        await script.onAnswer?.(question);
        const right = Number(question.slice(1));
        if (before === null) return plain(right % 3 === 2 ? right + 1 : right);
        return right === 4 ? turned(4, 9) : turned(right % 3 === 2 ? right + 1 : right, right);
      })),
    setAdapter: (adapter: LoraAdapter | null) => {
      before = adapter;
    },
    closeSession: () => undefined,
  };
  const prompts = { ...model.prompts, modes: { cot: {}, solution: {} } };
  const loaded = {
    gpu: { untilLost: <T>(work: Promise<T>) => work, isLost: () => false, traits: { description: 'script' } },
    ...{ entry: { id: 'pocket', label: 'Pocket' }, model: { ...model, prompts } },
  } as unknown as Loaded<EvaluableModel>;
  const liveRuns = new LiveRuns({
    ...{ runs: memoryRuns().runs, changed: () => undefined },
    lock: async () => ({ release: () => undefined }),
  });
  const adapter = { setStrength: (strength: number) => strengths.push(strength) } as unknown as LoraAdapter;
  let [changes, clock] = [0, 0];
  const host = new EvaluationHost({
    engine: { loaded, turns: new GpuTurns(), emit: (event) => void events.push(event) },
    ...{ store, liveRuns, shelf: { adapterFor: async () => adapter } },
    datasets: {
      rowCount: async () => rows.length,
      storedRow: async (_, position) => rows[position] as StoredRow,
    },
    fingerprintOf: async () => fingerprint,
    encodePicture: async () => new Blob(['png'], { type: 'image/png' }),
    decodeImage: async (file) => {
      if ((await file.text()) === 'broken') throw new DataError('data/image', 'no picture');
      return PICTURE;
    },
    changed: () => changes++,
    ...{ createId: () => 'e1', date: () => 5 },
    now: () => {
      clock += 500;
      return clock;
    },
  });
  return { host, events, liveRuns, strengths, changes: () => changes };
}
