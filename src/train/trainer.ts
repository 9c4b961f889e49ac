// Declares what the SFT and the GRPO trainer have in common, as the loop that drives them sees it. A step either
// happens whole or not at all: one that was aborted or failed leaves the state of the last.

import type { PlainColumns } from '../lib/plain_json';
import type { PromptInput } from '../model/prompt_packing';
import type { BestEvaluation } from '../settings/best_evaluation';
import type { RewardReason } from './rewards';

/** What a trainer needs besides its state to go on bit for bit on the same device and kernel profile. */
export interface TrainerCheckpoint {
  /** Optimiser steps done; data order and random numbers follow from it and the seed. */
  readonly step: number;
  /** Adapter arena and AdamW's moments, in the adapter's own layout, padding included. */
  readonly adapter: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
}

/** The adapter of the best evaluation so far. */
export interface BestAdapter extends BestEvaluation {
  /** Adapter arena, as a checkpoint has it. */
  readonly adapter: Float32Array;
}

/** What a run saves: the state to go on from, and beside it the best adapter; null before the first evaluation. */
export interface RunCheckpoint extends TrainerCheckpoint {
  readonly best: BestAdapter | null;
}

/** Callbacks of one step. */
export interface StepHooks {
  /** Aborts the step within a submit or two; the step then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** What is being done, with the fraction done where known. */
  readonly onPhase?: ((phase: string, fraction: number | null) => void) | undefined;
  /** Awaited between submits: others may use the device meanwhile. */
  readonly turn?: (() => Promise<void>) | undefined;
}

/** One sampled completion with its scores. */
export interface ScoredCompletion {
  readonly text: string;
  readonly tokens: number;
  readonly truncated: boolean;
  readonly correct: boolean;
  /** Unweighted rewards by name. */
  readonly rewards: Readonly<Record<string, number>>;
  /** Why each reward is what it is, by the same names. */
  readonly reasons: Readonly<Record<string, RewardReason>>;
  readonly reward: number;
  readonly advantage: number;
}

/** One prompt of a GRPO step. */
export interface ScoredGroup {
  /** Key of the example that asked. */
  readonly key: number;
  readonly question: string;
  readonly expected: string;
  readonly dropped: 'uniform' | 'truncated' | null;
  readonly completions: readonly ScoredCompletion[];
}

/** An answer sampled at an evaluation. */
export interface EvaluationSample {
  readonly key: number;
  readonly question: string;
  readonly expected: string;
  readonly text: string;
}

/** What one step found. */
export interface StepOutcome {
  /** Steps done, this one included. */
  readonly step: number;
  /** Under TRL's names, besides Look-Back's. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly groups?: readonly ScoredGroup[];
  /** False when a gradient was not finite: nothing was updated. */
  readonly finite: boolean;
}

/** What an evaluation on held-out examples found. */
export interface EvaluationOutcome {
  /** Steps done. */
  readonly step: number;
  /** Under TRL's names, with the prefix `eval_`. */
  readonly metrics: Readonly<Record<string, number>>;
  /** The first of the answers. */
  readonly samples: readonly EvaluationSample[];
}

/** A trainer on a device. */
export interface Trainer {
  /** Optimiser steps done. */
  readonly step: number;
  readonly maxSteps: number;
  /**
   * The next step.
   * @throws the signal's reason when aborted; GpuError when the device is lost; the state stays that of the last step
   */
  runStep(hooks: StepHooks): Promise<StepOutcome>;
  /**
   * Evaluates the policy as it is; no step comes out otherwise for it. Throws as {@link Trainer.runStep}. Null where
   * nothing is held out.
   */
  readonly evaluate: ((hooks: StepHooks) => Promise<EvaluationOutcome>) | null;
  /** Reads the state back. */
  checkpoint(): Promise<TrainerCheckpoint>;
  destroy(): void;
}

/** A question for GRPO. */
export interface PromptExample {
  /** Names the example in reports; stable across runs. */
  readonly key: number;
  readonly prompt: PromptInput;
  /** Image tokens of the prompt. */
  readonly imageTokens: number;
  readonly question: string;
  readonly expected: string;
  /** Group for metrics, e.g. `visual` or `text`. */
  readonly kind: string;
  /** What its row has besides, for rewards; absent where it has nothing. */
  readonly columns?: PlainColumns;
}

/** A question with the answer to imitate. */
export interface LabelledExample extends PromptExample {
  /** Token ids of the response, the end token included. */
  readonly completion: readonly number[];
}

/** Examples by position. Reading may decode a picture, hence the promise; equal positions give equal examples. */
export interface ExampleSource<T> {
  /** Infinity for a generator. */
  readonly count: number;
  read(position: number): Promise<T>;
}
