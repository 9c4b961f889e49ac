// What travels between the page and the Worker: every command, and events in batches. Types only. Commands go through
// Comlink and resolve with plain data; events go through one MessagePort. Everything here survives structured clone.

import type { AnswerCommands, AnswerEvent } from './answers';
import type { BackupCommands, BackupEvent } from './backup';
import type { ColdStartCommands, ColdStartEvent } from './cold_start';
import type { DeviceCheckCommands, DeviceCheckEvent } from './device_check';
import type { LoadCommands, LoadEvent } from './engine';
import type { EvaluationCommands, EvaluationEvent } from './evaluation';
import type {
  AdapterCommands,
  DatasetCommands,
  LibraryEvent,
  StorageCommands,
  TraceCommands,
} from './library';
import type { DownloadEvent, ModelCommands, QualityCommands, QualityEvent } from './models';
import type { TrainingCommands, TrainingEvent } from './training';

/** Bumped whenever a message changes shape; both halves refuse another version. */
export type ProtocolVersion = 5;

/** Facts the engine reports, in order. */
export type EngineEvent =
  | LoadEvent
  | AnswerEvent
  | TrainingEvent
  | ColdStartEvent
  | EvaluationEvent
  | LibraryEvent
  | DownloadEvent
  | QualityEvent
  | DeviceCheckEvent
  | BackupEvent;

/** Batches of events, at most one per animation frame. */
export interface EventBatch {
  readonly version: ProtocolVersion;
  readonly events: readonly EngineEvent[];
}

/** Every command that the page gives; every promise rejects with a `PlainError`. */
export type EngineCommands = LoadCommands &
  AnswerCommands &
  TrainingCommands &
  ColdStartCommands &
  EvaluationCommands &
  AdapterCommands &
  DatasetCommands &
  ModelCommands &
  QualityCommands &
  DeviceCheckCommands &
  StorageCommands &
  TraceCommands &
  BackupCommands;

/** What the Worker exposes: the commands, and before all of them the port for events. */
export interface ExposedEngine extends EngineCommands {
  /** Hands over the port for events. Must be the first call. */
  connect(port: MessagePort): Promise<{ version: ProtocolVersion }>;
}
