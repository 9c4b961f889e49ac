// All commands of the Worker as one object: the engine's own, those of training and those of the library, each from
// the part that serves it. Not logic. Invariant: every command of the protocol is here, checked by the compiler; what
// any of them throws crosses the seam as a PlainError.

import type { Engine } from '../services/answers/engine';
import type { AdapterCommands } from '../services/library/adapter_library';
import type { DatasetCommands } from '../services/library/dataset_library';
import type { EngineCommands, LibraryCommands, TrainingCommands } from './protocol';

/** Everything that the page can ask for. */
export type AllCommands = EngineCommands & TrainingCommands & LibraryCommands;

/** The parts that serve the commands beside the engine. */
export interface CommandHosts {
  readonly training: TrainingCommands;
  readonly adapters: AdapterCommands;
  readonly datasets: DatasetCommands;
  readonly usage: Pick<LibraryCommands, 'storageUsage'>;
}

/** A list of names that the compiler keeps whole. */
type Names<T> = Readonly<Record<keyof T, true>>;

const ENGINE: Names<EngineCommands> = {
  connect: true,
  listModels: true,
  load: true,
  generate: true,
  stop: true,
  cancelLoad: true,
};
const TRAINING: Names<TrainingCommands> = {
  estimateTraining: true,
  startTraining: true,
  pauseTraining: true,
  resumeTraining: true,
  stepTraining: true,
  stopTraining: true,
  listRuns: true,
  readRun: true,
  deleteRun: true,
  exportRun: true,
};
const ADAPTERS: Names<AdapterCommands> = {
  listAdapters: true,
  saveAdapter: true,
  renameAdapter: true,
  deleteAdapter: true,
  exportAdapter: true,
  importAdapter: true,
};
const DATASETS: Names<DatasetCommands> = {
  previewDataset: true,
  keepDataset: true,
  listDatasets: true,
  readDatasetRow: true,
  addToDataset: true,
  deleteDataset: true,
};

type Command = (...args: never[]) => Promise<unknown>;

/** Calls of a host by name; `settle` runs each. */
function forward<T extends object>(host: T, names: Names<T>, settle: Engine['settle']): T {
  const commands = (Object.keys(names) as (keyof T)[]).map((name) => {
    const command = (...args: never[]) => settle(() => (host[name] as Command).apply(host, args));
    return [name, command] as const;
  });
  return Object.fromEntries(commands) as T;
}

/** The commands as one plain object, ready to be exposed. */
export function allCommands(engine: Engine, hosts: CommandHosts): AllCommands {
  const settle: Engine['settle'] = (command) => engine.settle(command);
  return {
    // The engine settles its own.
    ...forward<EngineCommands>(engine, ENGINE, (command) => command()),
    ...forward<TrainingCommands>(hosts.training, TRAINING, settle),
    ...forward<AdapterCommands>(hosts.adapters, ADAPTERS, settle),
    ...forward<DatasetCommands>(hosts.datasets, DATASETS, settle),
    ...forward<Pick<LibraryCommands, 'storageUsage'>>(hosts.usage, { storageUsage: true }, settle),
  };
}
