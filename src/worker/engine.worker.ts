// Puts the parts of the engine's Worker together, from the lowest up, and exposes their commands to the page. The
// globals of the Worker are reached only through the parts given here.

import { expose } from 'comlink';
import { decodeImage, encodePng } from '../data/image/decode_image';
import { acquireDevice, type GpuContext } from '../gpu/device';
import { ModelError } from '../lib/errors';
import type { SceneOutcome } from '../lookback/evaluation';
import { Reasoner } from '../lookback/reasoner';
import { LoraAdapter } from '../model/lora';
import { AdapterShelf, type AdapterShelfParts } from '../services/answers/adapter_shelf';
import { AnswerHost } from '../services/answers/answer_host';
import { baseFingerprint, commitOf } from '../services/answers/base_fingerprint';
import { Engine, type Loaded } from '../services/answers/engine';
import { EventQueue } from '../services/answers/engine_events';
import { joinModels, ModelRegistry } from '../services/answers/model_registry';
import type { BackupHost } from '../services/backup/backup_host';
import type { ColdStartHost } from '../services/cold_start/cold_start_host';
import { DeviceCheckHost } from '../services/device_check/device_check_host';
import type { EvaluationHost } from '../services/evaluation/evaluation_host';
import { AdapterLibrary } from '../services/library/adapter_library';
import { BundledAdapters } from '../services/library/bundled_adapters';
import { DatasetLibrary } from '../services/library/dataset_library';
import { FOLDER_IDS, HUB_IDS, ModelLibrary } from '../services/library/model_library';
import { QualityHost } from '../services/library/quality_host';
import { storageUsage } from '../services/library/storage_usage';
import { TraceLibrary } from '../services/library/trace_library';
import { LiveRuns } from '../services/training/live_runs';
import { TrainerFactory } from '../services/training/trainer_factory';
import { TrainingHost } from '../services/training/training_host';
import type { TrainingRuns } from '../services/training/training_run';
import { AdapterStore } from '../storage/adapter_store';
import { type ChangedStore, openStoreChannel } from '../storage/channel';
import { ColdStartStore } from '../storage/cold_start_store';
import { Database } from '../storage/database';
import { DatasetStore } from '../storage/dataset_store';
import { EvaluationStore } from '../storage/evaluation_store';
import { isLocked, tryLock } from '../storage/locks';
import { ModelStore } from '../storage/model_store';
import { freeBytes } from '../storage/quota';
import { RunStore } from '../storage/run_store';
import { removeScratch, scratchFile } from '../storage/scratch_file';
import { TraceStore } from '../storage/trace_store';
import { askToPersist, storageTotals } from '../storage/usage';
import { serveCommands } from './commands';
import type { BackupProgress } from './protocol/backup';
import type { ColdStartPlan } from './protocol/cold_start';
import type { EvaluationPlan } from './protocol/evaluation';
import type { StoreName } from './protocol/library';
import type { EngineEvent, ExposedEngine } from './protocol/messages';

/** The page's folder, wherever it is served from: the built Worker lies in its `assets/`, the dev server's at `/src/…`. */
const PAGE = new URL(import.meta.env.DEV ? import.meta.env.BASE_URL : '../', self.location.href);
/** Held by the tab that works on the cold start. */
const COLD_START_LOCK = 'look-back/cold-start';
/** Held by the tab that trains. */
const TRAINING_LOCK = 'look-back/training';

const events = new EventQueue();
const channel = openStoreChannel((store) => {
  if (store === 'coldStarts') events.push({ type: 'coldStartChanged' });
  else if (store === 'evaluations') events.push({ type: 'evaluationsChanged' });
  else events.push({ type: 'storeChanged', store });
});
const changed = (store: StoreName): void => {
  events.push({ type: 'storeChanged', store });
  channel.post(store);
};

const modelStore = new ModelStore();
let hub: ReturnType<typeof openHub> | undefined;
// Fetched with the first model or adapter that is not built in: most visits need none.
const theHub = (): ReturnType<typeof openHub> => {
  hub ??= openHub();
  return hub;
};
const openHub = async () => {
  const { createHub } = await import('../services/answers/hub_models');
  return createHub(modelStore, () => Date.now());
};
const builtIn = new ModelRegistry(PAGE);
const models: ModelLibrary = new ModelLibrary({
  ...{ builtIn, freeBytes },
  device: () => engine.device(),
  judge: async (...judged) => (await import('../services/library/model_fit')).judgeFit(...judged),
  store: modelStore,
  hub: theHub,
  emit: (event) => events.push(event),
  changed: () => changed('models'),
  date: () => Date.now(),
});
const engine: Engine<Reasoner> = new Engine<Reasoner>({
  acquireDevice: () => acquireDevice({ label: 'look-back' }),
  registry: joinModels([
    { ids: /^[^/:]+$/, source: builtIn },
    { ids: HUB_IDS, source: models.stored },
    { ids: FOLDER_IDS, source: models.folders },
  ]),
  loadModel: (gpu, files, options) => Reasoner.load(gpu, files, options),
  // The page's own models were checked when they were made, and start at once.
  doubtOf: async (model, { folder }) =>
    folder === '' ? (await import('../lookback/weight_check')).doubtOf(model) : null,
  onLoaded: ({ entry, model }) => void models.noteUse(entry.id, model.model.precision),
  events,
});

const database = new Database('look-back', {});
const runs: TrainingRuns = new RunStore(database);
const stored = new AdapterStore(database);
let opened: Promise<DatasetStore> | undefined;
const openDatasets = (): Promise<DatasetStore> => {
  opened ??= DatasetStore.open(database).catch((error: unknown) => {
    opened = undefined;
    throw error;
  });
  return opened;
};

const common = {
  engine,
  fingerprintOf: ({ files }: Loaded) => baseFingerprint(files),
  createId: () => crypto.randomUUID(),
  date: () => Date.now(),
};

// Each part owns or uses only parts made before it.
const liveRuns = new LiveRuns({ runs, lock: () => tryLock(TRAINING_LOCK), changed: () => changed('runs') });
const bundled = new BundledAdapters(PAGE);
const adapters = new AdapterLibrary({
  ...{ ...common, adapters: stored, runs, liveRuns, changed },
  bundled,
  persist: askToPersist,
  fetchAdapter: async (id, revision, signal) => {
    const onProgress = (loaded: number, total: number): void =>
      events.push({ type: 'downloadProgressed', id, loaded, total });
    return (await theHub()).fetchAdapter(id, revision, { signal, onProgress });
  },
  commitOf: async (id, fingerprint) => commitOf(await modelStore.list().catch(() => []), id, fingerprint),
});
const datasets = new DatasetLibrary({
  ...{ ...common, datasets: openDatasets, liveRuns, decodeImage },
  changed: () => changed('datasets'),
  progressed: (progress) => engine.emit({ type: 'importProgressed', progress }),
});
const trainers = new TrainerFactory<Reasoner>({
  ...{ adapters, datasets, fingerprintOf: common.fingerprintOf, encodePicture: encodePng },
  // Fetched with the first plan: most visits only ask.
  createTrainer: async (...making) => (await import('../lookback/training')).createTrainer(...making),
  planMemory: async (...plan) =>
    (await import('../services/training/training_memory')).planTrainingMemory(...plan),
});
const training = new TrainingHost({
  ...{ ...common, runs, liveRuns, trainers },
  changed: () => changed('runs'),
  now: () => performance.now(),
});
const uploadAdapter: AdapterShelfParts['createAdapter'] = ({ gpu, model }, { config, weights }) =>
  LoraAdapter.create(gpu, config, model.model.config, weights, false);
const shelf = new AdapterShelf({ library: adapters, createAdapter: uploadAdapter });
const answers = new AnswerHost({ engine, shelf, events, decodeImage, now: () => performance.now() });
const coldStarts = new ColdStartStore<ColdStartPlan>(database);
const coldStartParts = {
  ...{ ...common, datasets, liveRuns, decodeImage, encodePicture: encodePng },
  store: coldStarts,
  openAdapter: async (id: string, loaded: Loaded) =>
    uploadAdapter(loaded, await adapters.startOf(id, loaded)),
  lock: () => tryLock(COLD_START_LOCK),
  isLocked: () => isLocked(COLD_START_LOCK),
  changed: () => {
    events.push({ type: 'coldStartChanged' });
    channel.post('coldStarts');
  },
};
let coldStart: Promise<ColdStartHost> | undefined;
// Fetched with the first cold start: few visits build one.
const theColdStart = (): Promise<ColdStartHost> => {
  coldStart ??= openColdStart().catch((error: unknown) => {
    coldStart = undefined;
    throw error;
  });
  return coldStart;
};
const openColdStart = async (): Promise<ColdStartHost> => {
  const { ColdStartHost: Host } = await import('../services/cold_start/cold_start_host');
  const host = new Host(coldStartParts);
  engine.addUser({ checkRelease: () => host.checkRelease(), release: () => undefined });
  return host;
};
const evaluations = new EvaluationStore<EvaluationPlan, SceneOutcome>(database);
const evaluationParts = {
  ...{ ...common, datasets, liveRuns, shelf, decodeImage, encodePicture: encodePng },
  store: evaluations,
  now: () => performance.now(),
  changed: () => {
    events.push({ type: 'evaluationsChanged' });
    channel.post('evaluations');
  },
};
let evaluation: Promise<EvaluationHost> | undefined;
// Fetched with the first evaluation, as a cold start is.
const theEvaluation = (): Promise<EvaluationHost> => {
  evaluation ??= openEvaluation().catch((error: unknown) => {
    evaluation = undefined;
    throw error;
  });
  return evaluation;
};
const openEvaluation = async (): Promise<EvaluationHost> => {
  const { EvaluationHost: Host } = await import('../services/evaluation/evaluation_host');
  const host = new Host(evaluationParts);
  engine.addUser({ checkRelease: () => host.checkRelease(), release: () => undefined });
  return host;
};
const quality = new QualityHost({
  engine,
  measure: async (loaded, signal) => {
    const { measureQuality } = await import('../services/library/model_quality');
    const readPicture = async (name: string) =>
      (await decodeImage(await (await fetch(new URL(`examples/${name}`, PAGE), { signal })).blob())).pixels;
    return measureQuality(loaded, { readPicture, onProgress: (event) => events.push(event) }, signal);
  },
});
const fetchHere = async (path: string, signal: AbortSignal): Promise<Response> => {
  const response = await fetch(new URL(path, PAGE), { signal });
  if (response.ok) return response;
  throw new ModelError('model/download', `${path} could not be fetched: ${response.status}.`);
};
const deviceCheck = new DeviceCheckHost({
  engine,
  // Fetched with the first check.
  check: async (gpu, signal) => {
    const [{ checkDevice }, { answerGoldens, GOLDENS }] = await Promise.all([
      import('../services/device_check/device_check'),
      import('../services/device_check/golden_answers'),
    ]);
    const folder = GOLDENS.slice(0, GOLDENS.lastIndexOf('/') + 1);
    const parts = {
      answers: (on: GpuContext, until: AbortSignal, told: (done: number, total: number) => void) => {
        const source = {
          list: async (): Promise<unknown> => (await fetchHere(GOLDENS, until)).json(),
          model: async (id: string) => (await builtIn.open(id, () => undefined, until)).files,
          adapter: (id: string) => bundled.open(id),
          picture: async (name: string) =>
            (await decodeImage(await (await fetchHere(folder + name, until)).blob())).pixels,
        };
        return answerGoldens(on, source, until, told);
      },
      onProgress: (event: EngineEvent) => events.push(event),
      now: () => performance.now(),
    };
    return checkDevice(gpu, parts, signal);
  },
});
engine.addUser(training);
engine.addUser(shelf);

const keptTraces = new TraceStore(database);
const traces = new TraceLibrary({
  ...{ traces: keptTraces, persist: askToPersist, createId: common.createId, date: common.date },
  changed: () => changed('traces'),
});
const backupParts = {
  models,
  persist: askToPersist,
  changed: (store: ChangedStore): void => {
    if (store === 'coldStarts') coldStartParts.changed();
    else if (store === 'evaluations') evaluationParts.changed();
    else changed(store);
  },
  progressed: (progress: BackupProgress) => engine.emit({ type: 'backupProgressed', progress }),
  date: common.date,
};
let backup: Promise<BackupHost> | undefined;
// Fetched with the first backup, or when what a crash left of one is looked for.
const theBackup = (): Promise<BackupHost> => {
  backup ??= openBackup().catch((error: unknown) => {
    backup = undefined;
    throw error;
  });
  return backup;
};
const openBackup = async (): Promise<BackupHost> => {
  const [{ BackupHost: Host }, { ItemStore }] = await Promise.all([
    import('../services/backup/backup_host'),
    import('../storage/item_store'),
  ]);
  return new Host({ ...backupParts, items: new ItemStore(database), scratchFile });
};

const usage = {
  adapters: stored,
  runs,
  datasets: openDatasets,
  coldStarts,
  evaluations,
  traces: keptTraces,
  models,
  totals: storageTotals,
};
const storage = {
  storageUsage: async () => {
    // Exports that were downloaded long ago take room that no list shows.
    await removeScratch().catch(() => undefined);
    return storageUsage(usage);
  },
};
const hosts = {
  engine,
  answers,
  training,
  coldStart: theColdStart,
  evaluation: theEvaluation,
  adapters,
  datasets,
  models,
  quality,
  deviceCheck,
  traces,
  storage,
  backup: theBackup,
};
const exposed: ExposedEngine = {
  ...serveCommands(hosts, () => events.flush()),
  connect: (port) => engine.connect(port),
};
expose(exposed);
