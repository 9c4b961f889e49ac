// The messages about the engine itself: its state, its models, the device, with the commands that load a
// model. Types only.

import type { PlainError } from '../../lib/plain_error';
import type { WeightPrecision } from '../../model/weight_layout';
import type { ReasoningMode } from '../../settings/reasoning_modes';

/** What the engine is doing. Illegal commands reject with code `engine/state`, naming state and command. */
export type EngineState = 'idle' | 'loading' | 'ready' | 'generating' | 'failed';

/** A model that can be loaded. */
export interface ModelEntry {
  readonly id: string;
  readonly label: string;
  /** Folder relative to the page; empty for a model that did not come with it. */
  readonly folder: string;
  /** Bytes of all its files. */
  readonly bytes: number;
}

/** The loaded model, as the page shows it. */
export interface LoadedModel {
  readonly entry: ModelEntry;
  readonly parameters: number;
  readonly layers: number;
  readonly heads: number;
  readonly modes: readonly ReasoningMode[];
  /** True when pictures are cut to their middle square first (pocket). */
  readonly square: boolean;
  /** Whether its checkpoint declares the built-in world, whose questions are about the colours of 4 × 4 cells. */
  readonly seesCells: boolean;
  /** Pictures that one question may be about. */
  readonly maxPictures: number;
  /** Whether a question may go on from the ones before it. */
  readonly followsUp: boolean;
  readonly maxNewTokens: number;
  /** One sentence on what the model can see, e.g. that pocket sees 4 × 4 cells of colour. */
  readonly knows: string;
  /** Why its weights may be damaged or untrained, with what to try; null when nothing speaks for that. */
  readonly doubt: string | null;
}

/** The graphics device, as the page shows it. */
export interface DeviceSummary {
  readonly description: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly software: boolean;
  readonly shaderF16: boolean;
}

/** Named phases of loading, in order. */
export type LoadPhase = 'device' | 'download' | 'check' | 'upload' | 'compile' | 'warm-up';

/** Facts about loading, the device and the engine as a whole. */
export type LoadEvent =
  | { readonly type: 'stateChanged'; readonly state: EngineState }
  | { readonly type: 'deviceReady'; readonly device: DeviceSummary }
  | {
      readonly type: 'loadProgressed';
      readonly phase: LoadPhase;
      readonly loaded: number;
      readonly total: number;
    }
  | { readonly type: 'modelLoaded'; readonly model: LoadedModel }
  | { readonly type: 'deviceLost'; readonly message: string; readonly recovering: boolean }
  | { readonly type: 'deviceRestored'; readonly device: DeviceSummary }
  | { readonly type: 'failed'; readonly error: PlainError };

/** How a model is loaded. */
export interface LoadChoice {
  /** How its weights are kept on the device; by default by its size. */
  readonly precision?: WeightPrecision | undefined;
}

/** Commands of models. */
export interface LoadCommands {
  /** Lists the models that can be loaded without a connection: those of the page first, then what was brought here. */
  listModels(): Promise<readonly ModelEntry[]>;
  /** Loads a model of the list (and acquires the device); replaces the one loaded before. */
  load(modelId: string, choice?: LoadChoice): Promise<LoadedModel>;
  /** Cancels a running load. */
  cancelLoad(): Promise<void>;
}
