// Makes a host of the cold start over stores in memory and a model whose answers are scripted: to a question of the world
// it answers rightly and wrongly by turns, and it closes a look that is opened for it with what the oracle would write.

import { backText, boxed, chainOfThought, secondThought } from '../../../src/data/world/oracle';
import type { WorldSample } from '../../../src/data/world/world_sample';
import { StorageError } from '../../../src/lib/errors';
import type { StageAnswers } from '../../../src/lookback/cold_start/model_stages';
import { worldProblem } from '../../../src/lookback/cold_start/problem_source';
import type { LoraAdapter } from '../../../src/model/lora';
import type { Loaded } from '../../../src/services/answers/engine';
import { GpuTurns } from '../../../src/services/answers/gpu_turns';
import {
  type AskedModel,
  ColdStartHost,
  type ColdStartParts,
} from '../../../src/services/cold_start/cold_start_host';
import { LiveRuns } from '../../../src/services/training/live_runs';
import { COLD_START_SETTINGS } from '../../../src/settings/cold_start_settings';
import { defaultsOf } from '../../../src/settings/read_settings';
import type { StageTexts, TextStage, WriterStage } from '../../../src/storage/cold_start_store';
import type { StoredRow } from '../../../src/storage/dataset_store';
import type { ColdStartRecord } from '../../../src/storage/records';
import type { ColdStartPlan } from '../../../src/worker/protocol/cold_start';
import type { DatasetSummary } from '../../../src/worker/protocol/library';
import type { EngineEvent } from '../../../src/worker/protocol/messages';
import { memoryRuns } from '../training/memory_runs';

/** Six questions about sheets, two answers each, two at a time. */
export const PLAN: ColdStartPlan = {
  ...defaultsOf(COLD_START_SETTINGS),
  ...{ pictures: 'sheets', textShare: 0, count: 6, rollouts: 2, batch: 2 },
  source: { kind: 'shapes_world' },
};

/** The sample behind a question of {@link PLAN}. */
export function sampleOf(question: string): WorldSample {
  const problems = Array.from({ length: PLAN.count }, (_, index) => worldProblem(PLAN, index, png));
  return problems.find((problem) => problem.question === question)!.sample!();
}

/** A picture for the archive. */
export const png = async (): Promise<Blob> => new Blob([Uint8Array.of(137, 80)], { type: 'image/png' });

function scriptedAnswers(onWave: () => unknown): StageAnswers {
  return {
    maxNewTokens: 100,
    prepare: ({ text }) => text as unknown as ReturnType<StageAnswers['prepare']>,
    wave: async (prompts, { count }, hooks) => {
      await onWave();
      hooks.signal?.throwIfAborted();
      return prompts.map(({ prepared, start }) => {
        const { facts, question, counts, answer } = sampleOf(prepared as unknown as string);
        if (start !== '')
          return [
            `${backText(facts, question)} </back> <think> ${secondThought(question, counts)} </think> ${boxed(answer)}`,
          ];
        const wrong =
          question.kind === 'any' ? counts.map((n) => Number(n === 0)) : counts.map((n) => n + 1).reverse();
        return Array.from({ length: count }, (_, at) =>
          chainOfThought(question, at % 2 === 0 ? counts : wrong),
        );
      });
    },
    destroy: () => undefined,
  };
}

/** What is stored; shared by the tabs of a test. */
export function memoryStore() {
  let record: ColdStartRecord<ColdStartPlan> | null = null;
  let texts = new Map<TextStage, Map<string, StageTexts>>();
  const present = (): ColdStartRecord<ColdStartPlan> => {
    if (record === null) throw new StorageError('storage/missing', 'gone');
    return record;
  };
  const store: ColdStartParts['store'] = {
    current: async () => record,
    read: async () => {
      const of = (stage: TextStage) => [...(texts.get(stage)?.values() ?? [])];
      const all = { rollouts: of('rollouts'), self: of('self'), file: of('file'), hand: of('hand') };
      const writers = [...texts.keys()].filter((stage) => stage.includes(':')) as WriterStage[];
      return {
        record: present(),
        texts: all,
        writers: new Map(writers.map((stage) => [stage, of(stage)])),
      };
    },
    begin: async (start) => {
      record = { ...start, revision: 0, savedAs: null, bytes: 7 };
      texts = new Map();
      return record;
    },
    update: async (_, change) => {
      record = { ...present(), ...change, revision: present().revision + 1 };
      return record;
    },
    putTexts: async (_, stage, rows) => {
      const own = texts.get(stage) ?? new Map<string, StageTexts>();
      for (const row of rows) own.set(row.problemId, row);
      texts.set(stage, own);
      record = { ...present(), revision: present().revision + 1 };
    },
    delete: async () => {
      record = null;
      return 7;
    },
  };
  return { store, lock: { held: false } };
}

/** A tab: a host over stores that may be shared. */
export function coldStartTab(
  { store, lock }: ReturnType<typeof memoryStore>,
  script: {
    readonly rows?: readonly StoredRow[];
    readonly onWave?: () => unknown;
    readonly fingerprint?: string;
    /** Id of the loaded model. */
    readonly modelId?: string;
    /** Size that pictures say they have. */
    readonly pictureBytes?: number;
  } = {},
) {
  const { rows = [], onWave = () => undefined, fingerprint = 'f' } = script;
  const events: EngineEvent[] = [];
  const kept: { name: string; rows: StoredRow[]; origin: unknown }[] = [];
  const loaded = {
    gpu: { untilLost: <T>(work: Promise<T>) => work },
    entry: { id: script.modelId ?? 'pocket' },
    model: {},
  } as unknown as Loaded<AskedModel>;
  const liveRuns = new LiveRuns({
    ...{ runs: memoryRuns().runs, changed: () => undefined },
    lock: async () => ({ release: () => undefined }),
  });
  let changes = 0;
  /** The adapter under which each stage asked. */
  const opened: (LoraAdapter | null)[] = [];
  const host = new ColdStartHost({
    engine: { loaded, turns: new GpuTurns(), emit: (event) => void events.push(event) },
    ...{ store, liveRuns },
    datasets: {
      rowCount: async () => rows.length,
      storedRow: async (_, position) => rows[position] as StoredRow,
      keepRows: async (name, given, origin) => {
        const own: StoredRow[] = [];
        for await (const row of given) own.push(row);
        kept.push({ name, rows: own, origin });
        return { id: 'd1', name, rows: own.length } as DatasetSummary;
      },
    },
    openAnswers: (_model, _first, adapter) => {
      opened.push(adapter);
      return scriptedAnswers(onWave);
    },
    openAdapter: async (id) => {
      if (id === 'gone')
        throw new StorageError('storage/missing', 'This adapter is not stored here any more.');
      return { id } as unknown as LoraAdapter;
    },
    lock: async () => {
      if (lock.held) return null;
      lock.held = true;
      return {
        release: () => {
          lock.held = false;
        },
      };
    },
    isLocked: async () => lock.held,
    fingerprintOf: async () => fingerprint,
    encodePicture: async () => sized(await png(), script.pictureBytes),
    decodeImage: async () => ({
      pixels: { width: 1, height: 1, channels: 3, data: new Uint8Array(3) },
      ...{ sourceWidth: 1, sourceHeight: 1, notes: [] },
    }),
    changed: () => changes++,
    createId: () => 'c1',
    date: () => 5,
  });
  return { host, events, kept, liveRuns, opened, changes: () => changes };
}

function sized(picture: Blob, size: number | undefined): Blob {
  return size === undefined ? picture : Object.defineProperty(picture, 'size', { value: size });
}
