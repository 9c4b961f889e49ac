// The messages about models that are brought onto this device: where they come from, how a download goes, what is kept,
// and whether one would fit. Types only.

import type { WeightFormat } from '../../kernels/weight_format';
import type { WeightPrecision, WeightRole } from '../../model/weight_layout';
import type { ModelEntry } from './engine';
import type { NamedFile } from './library';

/** Where models come from. */
export interface HubChoice {
  /** Address of the hub, or of a mirror with the same paths. */
  readonly address: string;
  /** A token that may read gated models; kept in memory only, and sent to this address only. */
  readonly token: string | null;
}

/** A model, or a part of one, that is kept on this device. */
export interface StoredModel {
  /** Names it to `deleteModel`. */
  readonly key: string;
  readonly id: string;
  /** What was asked for; null of a part. */
  readonly revision: string | null;
  readonly commit: string;
  readonly bytes: number;
  /** False for a download that was paused or cut off, and can go on. */
  readonly whole: boolean;
  /** Milliseconds since 1970; null of a part. */
  readonly storedAt: number | null;
  /** The last use, with the precision in which the weights were put on the device; null before the first. */
  readonly lastUse: { readonly usedAt: number; readonly precision: string } | null;
}

/** What is to be judged before it is downloaded. */
export interface FitRequest {
  /** A hub id, a built-in model or a folder that was handed over. */
  readonly id: string;
  readonly revision: string;
  /** Null takes the default of the model's size. */
  readonly precision: WeightPrecision | null;
  /** Most image tokens of a question. */
  readonly maxImageTokens: number;
  /** Tokens of a question with its answer. */
  readonly context: number;
}

/** A part of the memory that a model takes. */
export interface FitPart {
  readonly name: 'weights' | 'cache' | 'activations';
  readonly bytes: number;
}

/** Whether a model fits this device, with what decides it. */
export interface ModelFit {
  readonly family: string;
  readonly parameters: number;
  /** Bytes that are still to be downloaded; 0 for what is here. */
  readonly downloadBytes: number;
  /** What the browser says is free to store in; null where it does not say. */
  readonly freeBytes: number | null;
  /** What was judged: the request, with the choices that it left open. */
  readonly precision: WeightPrecision;
  readonly context: number;
  readonly parts: readonly FitPart[];
  readonly bytes: number;
  /** Weights by precision, bytes on the device. */
  readonly weightBytes: readonly { readonly precision: WeightPrecision; readonly bytes: number }[];
  /** Bytes of the cache per token of context. */
  readonly cacheBytesPerToken: number;
  /** Most tokens, prompt included, that the model can have. */
  readonly maxContext: number;
  /** Largest picture, in pixels, of so many image tokens; null where pictures are cut into tiles. */
  readonly pixelsPerImage: number | null;
  readonly fits: boolean;
  /** It fits, and the device did not give a quarter more. */
  readonly tight: boolean;
  /** The limit that decides against it, in words with its numbers; null when it fits. */
  readonly limit: string | null;
  /** The control to change, and what then happens; null when it fits, or nothing helps. */
  readonly advice: string | null;
}

/** How far a download is: bytes that are kept. */
export interface DownloadEvent {
  readonly type: 'downloadProgressed';
  readonly id: string;
  readonly loaded: number;
  readonly total: number;
}

/** How far rounded weights are from the stored ones. */
export interface RoleError {
  readonly role: Exclude<WeightRole, 'vector'>;
  /** Formats on the device, most elements first. */
  readonly formats: readonly WeightFormat[];
  readonly elements: number;
  /** ‖ΔW‖/‖W‖ over all matrices of the role. */
  readonly relative: number;
}

/** What the precision of the loaded model costs. */
export interface ModelQuality {
  readonly id: string;
  readonly precision: WeightPrecision;
  /** ‖ΔW‖/‖W‖ over all matrices. */
  readonly relative: number;
  readonly roles: readonly RoleError[];
  /** The matrices with the largest relative errors, largest first. */
  readonly worst: readonly {
    readonly name: string;
    readonly format: WeightFormat;
    readonly relative: number;
  }[];
  /** Next-token distributions against those of the stored weights, along their answers; null where left out. */
  readonly logits: {
    readonly questions: number;
    readonly tokens: number;
    /** Mean KL divergence from the stored weights, in nats. */
    readonly kl: number;
    readonly largestKl: number;
    /** Share of tokens for which both put the same token first. */
    readonly agreement: number;
  } | null;
  /** Why the comparison of answers was left out; null where it was not. */
  readonly leftOut: string | null;
}

/** How far a measurement is: elements of weights, then questions. */
export interface QualityEvent {
  readonly type: 'qualityProgressed';
  readonly phase: 'weights' | 'answers';
  readonly done: number;
  readonly total: number;
}

/** Commands that measure the loaded model. */
export interface QualityCommands {
  /**
   * Measures what the precision of the loaded model costs. Rejects with `engine/cancelled` when it was cancelled, or when
   * a question or another load came first.
   */
  measureQuality(): Promise<ModelQuality>;
  cancelQuality(): Promise<void>;
}

/** Commands of models that are brought here. */
export interface ModelCommands {
  /** Takes models from an address from now on. Rejects with `model/hub-address` or `model/hub-token`. */
  useHub(choice: HubChoice): Promise<void>;
  /** Judges a model by its settings alone; little is fetched. */
  assessModel(request: FitRequest): Promise<ModelFit>;
  /**
   * Brings a model of the hub onto this device; resolves when it is here whole. One at a time: rejects with
   * `model/download-busy` while another is under way, and with `model/download-paused` when it was paused.
   */
  downloadModel(id: string, revision: string): Promise<void>;
  /** Ends the download under way; what has arrived is kept, and the same command goes on there. */
  pauseDownload(): Promise<void>;
  /** Reads a model from files that were dropped or picked; it is listed until the page is closed. */
  addModelFolder(files: readonly NamedFile[]): Promise<ModelEntry>;
  listStoredModels(): Promise<readonly StoredModel[]>;
  /** @returns bytes freed */
  deleteModel(key: string): Promise<number>;
}
