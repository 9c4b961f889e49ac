// Lists every command of the engine once, each with the part of the engine that serves it. The page's client and the
// Worker both make their commands from this table, and the compiler keeps it whole.

import { plainError } from '../lib/plain_error';
import type { AnswerCommands } from './protocol/answers';
import type { BackupCommands } from './protocol/backup';
import type { ColdStartCommands } from './protocol/cold_start';
import type { DeviceCheckCommands } from './protocol/device_check';
import type { LoadCommands } from './protocol/engine';
import type { EvaluationCommands } from './protocol/evaluation';
import type { AdapterCommands, DatasetCommands, StorageCommands, TraceCommands } from './protocol/library';
import type { EngineCommands } from './protocol/messages';
import type { ModelCommands, QualityCommands } from './protocol/models';
import type { TrainingCommands } from './protocol/training';

/** The parts of the engine that serve commands. */
export interface CommandHosts {
  readonly engine: LoadCommands;
  readonly answers: AnswerCommands;
  readonly training: TrainingCommands;
  readonly coldStart: ColdStartCommands;
  readonly evaluation: EvaluationCommands;
  readonly adapters: AdapterCommands;
  readonly datasets: DatasetCommands;
  readonly models: ModelCommands;
  readonly quality: QualityCommands;
  readonly deviceCheck: DeviceCheckCommands;
  readonly traces: TraceCommands;
  readonly storage: StorageCommands;
  readonly backup: BackupCommands;
}

/** Name of a command. */
export type CommandName = keyof EngineCommands;

/** A part, or how to get it: one that most visits do not need is fetched with its first command. */
export type Hosts = {
  readonly [Host in keyof CommandHosts]: CommandHosts[Host] | (() => Promise<CommandHosts[Host]>);
};

/** The host whose interface has a command. */
type HostOf<Name extends CommandName> = {
  [Host in keyof CommandHosts]: Name extends keyof CommandHosts[Host] ? Host : never;
}[keyof CommandHosts];

/** Which part serves which command. */
export const COMMANDS: { readonly [Name in CommandName]: HostOf<Name> } = {
  listModels: 'engine',
  load: 'engine',
  cancelLoad: 'engine',
  readQuestion: 'answers',
  generate: 'answers',
  attendByHead: 'answers',
  stop: 'answers',
  estimateTraining: 'training',
  startTraining: 'training',
  pauseTraining: 'training',
  resumeTraining: 'training',
  stepTraining: 'training',
  stopTraining: 'training',
  listRuns: 'training',
  readRun: 'training',
  readGroups: 'training',
  noteRun: 'training',
  deleteRun: 'training',
  exportRun: 'training',
  readColdStart: 'coldStart',
  beginColdStart: 'coldStart',
  runColdStart: 'coldStart',
  pauseColdStart: 'coldStart',
  changeColdStart: 'coldStart',
  readColdStartLook: 'coldStart',
  writeColdStartLook: 'coldStart',
  importColdStartLooks: 'coldStart',
  exportColdStart: 'coldStart',
  saveColdStart: 'coldStart',
  deleteColdStart: 'coldStart',
  listEvaluations: 'evaluation',
  beginEvaluation: 'evaluation',
  runEvaluation: 'evaluation',
  pauseEvaluation: 'evaluation',
  readEvaluation: 'evaluation',
  readEvaluationItems: 'evaluation',
  readEvaluationItem: 'evaluation',
  exportEvaluation: 'evaluation',
  deleteEvaluation: 'evaluation',
  listAdapters: 'adapters',
  saveAdapter: 'adapters',
  renameAdapter: 'adapters',
  deleteAdapter: 'adapters',
  exportAdapter: 'adapters',
  importAdapter: 'adapters',
  importHubAdapter: 'adapters',
  cancelHubAdapter: 'adapters',
  listDatasets: 'datasets',
  previewDataset: 'datasets',
  keepDataset: 'datasets',
  cancelImport: 'datasets',
  readDatasetRow: 'datasets',
  checkDatasetWords: 'datasets',
  addToDataset: 'datasets',
  deleteDataset: 'datasets',
  useHub: 'models',
  assessModel: 'models',
  downloadModel: 'models',
  pauseDownload: 'models',
  addModelFolder: 'models',
  listStoredModels: 'models',
  deleteModel: 'models',
  measureQuality: 'quality',
  cancelQuality: 'quality',
  checkDevice: 'deviceCheck',
  cancelDeviceCheck: 'deviceCheck',
  listTraces: 'traces',
  keepTrace: 'traces',
  renameTrace: 'traces',
  openTrace: 'traces',
  exportTrace: 'traces',
  deleteTrace: 'traces',
  storageUsage: 'storage',
  writeBackup: 'backup',
  exportDataset: 'backup',
  restoreBackup: 'backup',
  cancelBackup: 'backup',
};

/** Names of all commands. */
export const COMMAND_NAMES = Object.keys(COMMANDS) as readonly CommandName[];

/** An object with every command, each of which hands its name and its values to `run`. */
export function everyCommand(
  run: (name: CommandName, values: unknown[]) => Promise<unknown>,
): EngineCommands {
  return Object.fromEntries(
    COMMAND_NAMES.map((name): unknown[] => [name, (...values: unknown[]) => run(name, values)]),
  );
}

/**
 * The Worker's commands: each runs on its host, and what it throws is rejected as a PlainError.
 * @param beforeError called first, so that the facts that led to an error arrive before it
 */
export function serveCommands(hosts: Hosts, beforeError: () => void): EngineCommands {
  return everyCommand(async (name, values) => {
    const given = hosts[COMMANDS[name]];
    try {
      const host = typeof given === 'function' ? await given() : given;
      return await Reflect.apply(Reflect.get(host, name), host, values);
    } catch (error) {
      beforeError();
      throw plainError(error);
    }
  });
}
