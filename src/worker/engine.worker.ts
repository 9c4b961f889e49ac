// Composition root of the engine's Worker: gives the engine its device, models and decoder, training and the library
// their stores, and exposes all commands. Not logic: everything it wires together is tested by itself, and this file by
// every journey. Invariant: the only globals of the Worker that are touched are reached through the parts given here.

import { expose } from 'comlink';
import { decodeImage, encodePng } from '../data/image/decode_image';
import { acquireDevice } from '../gpu/device';
import { Reasoner } from '../lookback/reasoner';
import { createTrainer } from '../lookback/training';
import { LoraAdapter } from '../model/lora';
import { AdapterShelf } from '../services/answers/adapter_shelf';
import { baseFingerprint } from '../services/answers/base_fingerprint';
import { Engine, type EngineModel, type Loaded } from '../services/answers/engine';
import { ModelRegistry } from '../services/answers/model_registry';
import { AdapterLibrary } from '../services/library/adapter_library';
import { BundledAdapters } from '../services/library/bundled_adapters';
import { DatasetLibrary } from '../services/library/dataset_library';
import { storageUsage } from '../services/library/storage_usage';
import { TrainerFactory } from '../services/training/trainer_factory';
import { estimateTraining } from '../services/training/training_estimate';
import { TrainingHost } from '../services/training/training_host';
import type { TrainingRuns } from '../services/training/training_run';
import { AdapterStore } from '../storage/adapter_store';
import { openStoreChannel } from '../storage/channel';
import { Database } from '../storage/database';
import { DatasetStore } from '../storage/dataset_store';
import { tryLock } from '../storage/locks';
import { RunStore } from '../storage/run_store';
import { askToPersist, storageTotals } from '../storage/usage';
import { serveCommands } from './commands';
import type { ExposedEngine } from './protocol/messages';

/** The page's folder, wherever it is served from: the built Worker lies in its `assets/`, the dev server's at `/src/…`. */
const PAGE = new URL(import.meta.env.DEV ? import.meta.env.BASE_URL : '../', self.location.href);
/** Held by the tab that trains. */
const TRAINING_LOCK = 'look-back/training';

const engine = new Engine({
  acquireDevice: () => acquireDevice({ label: 'look-back' }),
  registry: new ModelRegistry(PAGE),
  loadModel: (gpu, files, options) => Reasoner.load(gpu, files, options),
  decodeImage,
  now: () => performance.now(),
});

const database = new Database('look-back', {});
const runs: TrainingRuns = new RunStore(database);
const stored = new AdapterStore(database);
let opened: Promise<DatasetStore> | undefined;
const stores = {
  runs,
  adapters: stored,
  datasets: (): Promise<DatasetStore> => {
    opened ??= DatasetStore.open(database).catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  },
};

const channel = openStoreChannel((store) => engine.emit({ type: 'storeChanged', store }));
const changed = (store: 'adapters' | 'runs' | 'datasets'): void => {
  engine.emit({ type: 'storeChanged', store });
  channel.post(store);
};
const common = {
  engine,
  fingerprintOf: ({ files }: Loaded) => baseFingerprint(files),
  createId: () => crypto.randomUUID(),
  date: () => Date.now(),
};

// Models come from Reasoner.load above; the engine knows only the part that it uses.
const reasonerOf = (model: EngineModel): Reasoner => model as Reasoner;

const adapters = new AdapterLibrary({
  ...common,
  ...stores,
  bundled: new BundledAdapters(PAGE),
  persist: askToPersist,
  changed,
  checkUnused: (id) => training.checkAdapterUnused(id),
  forget: (id) => shelf.forget(id),
});
const shelf = new AdapterShelf({
  startOf: (id, loaded) => adapters.startOf(id, loaded),
  createAdapter: ({ gpu, model }, { config, weights }) =>
    LoraAdapter.create(gpu, config, model.model.config, weights, false),
});
const datasets = new DatasetLibrary({
  ...common,
  datasets: stores.datasets,
  decodeImage,
  checkUnused: (id) => training.checkUnused(id),
  changed: () => changed('datasets'),
});
const factory = new TrainerFactory({
  createTrainer: (model, request, hooks) => createTrainer(reasonerOf(model), request, hooks),
  startOf: (id, loaded) => adapters.startOf(id, loaded),
  rowSource: (id) => datasets.rowSource(id),
  picture: (id, position) => datasets.picture(id, position),
  fingerprintOf: common.fingerprintOf,
  encodePicture: encodePng,
  deviceOf: (model) => reasonerOf(model).model.device,
});
const training: TrainingHost = new TrainingHost({
  ...common,
  runs,
  make: (...args) => factory.make(...args),
  checkSources: (loaded, plan) => factory.checkSources(loaded, plan),
  estimate: async (loaded, plan) => {
    const planner = await factory.memoryPlanner(loaded, plan);
    return engine.turns.answer(() => estimateTraining(loaded.gpu, plan, planner));
  },
  lock: () => tryLock(TRAINING_LOCK),
  changed: () => changed('runs'),
  now: () => performance.now(),
});

engine.accompany({
  beforeUnload: () => {
    training.beforeUnload();
    shelf.clear();
  },
  adapterFor: (id, loaded) => shelf.adapterFor(id, loaded),
});

const storage = { storageUsage: () => storageUsage({ ...stores, totals: storageTotals }) };
const hosts = { models: engine, answers: engine, training, adapters, datasets, storage };
const exposed: ExposedEngine = {
  ...serveCommands(hosts, () => engine.flush()),
  connect: (port) => engine.connect(port),
};
expose(exposed);
