// The messages about evaluations: the plan, what each side came to, single questions, and the commands. Types only.

import type { EvaluationReport, Flip, SceneOutcome } from '../../lookback/evaluation';
import type { PairedComparison } from '../../lookback/paired_comparison';
import type { EvaluationPageSettings, EvaluationSettings } from '../../settings/evaluation_settings';
import type { ReasoningMode } from '../../settings/reasoning_modes';

/** Where the questions of an evaluation come from. */
export type EvaluationSource =
  | { readonly kind: 'shapes_world' }
  | { readonly kind: 'dataset'; readonly datasetId: string; readonly name: string };

/** What answers the questions: the loaded model, with an adapter or without one, by the words of a mode. */
export interface EvaluationSide {
  /** Null for the base model. */
  readonly adapter: { readonly id: string; readonly name: string; readonly strength: number } | null;
  readonly mode: ReasoningMode;
  /** What stands in the looks of its answers; the model's own where it is absent. */
  readonly look?: EvaluationSettings['look'];
}

/** A whole evaluation. Both sides are asked the same questions. */
export interface EvaluationPlan extends EvaluationPageSettings {
  readonly source: EvaluationSource;
  /** One or two. */
  readonly sides: readonly EvaluationSide[];
}

/** How far the evaluation that is running here is. */
export interface EvaluationWork {
  readonly id: string;
  /** From 0. */
  readonly side: number;
  /** Over all sides. */
  readonly done: number;
  readonly total: number;
  /** Null before the first wave has ended. */
  readonly secondsLeft: number | null;
}

/** An evaluation in a list. */
export interface EvaluationSummary {
  readonly id: string;
  readonly plan: EvaluationPlan;
  readonly modelId: string;
  readonly device: string;
  readonly createdAt: number;
  readonly bytes: number;
  /** Questions that each side is done with, of `plan.count`. */
  readonly done: readonly number[];
}

/** What one side came to so far. */
export interface EvaluationSideView {
  readonly done: number;
  /** Questions that could not be asked. */
  readonly leftOut: number;
  /** Seconds that its answers took. */
  readonly seconds: number;
  /** Null before the first answer. */
  readonly report: EvaluationReport | null;
}

/** An evaluation with its figures. */
export interface EvaluationView extends EvaluationSummary {
  readonly sides: readonly EvaluationSideView[];
  /** The second side against the first, over what both were asked; null with one side, or where there is none yet. */
  readonly comparison: {
    readonly all: PairedComparison;
    readonly byKind: Readonly<Record<string, PairedComparison>>;
  } | null;
}

/** Which questions are listed. `discordant` are those that one side alone answers rightly. */
export type EvaluationFilter = 'all' | 'wrong' | 'flipped' | 'lookedBack' | 'discordant';

/** One side's answer to a question, in a list. */
export interface EvaluationAnswer
  extends Pick<SceneOutcome, 'answer' | 'correct' | 'triggered' | 'emptyBack' | 'length'> {
  readonly flip: Flip | null;
}

/** A question with the answers of the sides; null where a side was not asked yet. */
export interface EvaluationItemRow extends Pick<SceneOutcome, 'index' | 'kind' | 'question' | 'expected'> {
  readonly answers: readonly (EvaluationAnswer | null)[];
}

/** A page of the list. */
export interface EvaluationItems {
  readonly rows: readonly EvaluationItemRow[];
  /** That pass the filter. */
  readonly total: number;
}

/** One question whole. */
export interface EvaluationItemView extends EvaluationItemRow {
  readonly image: Blob;
  readonly imageName: string;
  /** The whole answers. */
  readonly texts: readonly (string | null)[];
  /** Image share of each generated token. */
  readonly shares: readonly (readonly (number | null)[])[];
}

/** Facts about evaluations. */
export type EvaluationEvent =
  | { readonly type: 'evaluationProgressed'; readonly work: EvaluationWork }
  /** What is kept of evaluations changed, here or in another tab. */
  | { readonly type: 'evaluationsChanged' };

/** Commands of evaluations. */
export interface EvaluationCommands {
  /** The newest first. */
  listEvaluations(): Promise<readonly EvaluationSummary[]>;
  /** Records a new one of the loaded model; asks nothing yet. */
  beginEvaluation(plan: EvaluationPlan): Promise<EvaluationView>;
  /** Asks until all is answered or paused. Every wave is kept as it ends. */
  runEvaluation(id: string): Promise<EvaluationView>;
  /** Ends asking; the wave in hand is thrown away. */
  pauseEvaluation(): Promise<void>;
  readEvaluation(id: string): Promise<EvaluationView>;
  /** @param offset of the first row among those that pass the filter */
  readEvaluationItems(id: string, filter: EvaluationFilter, offset: number): Promise<EvaluationItems>;
  readEvaluationItem(id: string, index: number): Promise<EvaluationItemView>;
  /** `json`: a zip with the report and the outcomes of each side as `npm run evaluate --out` writes them; `csv`: a table. */
  exportEvaluation(id: string, form: 'json' | 'csv'): Promise<Blob>;
  /** @returns bytes freed */
  deleteEvaluation(id: string): Promise<number>;
}
