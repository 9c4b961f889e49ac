// The messages about building a cold-start set: the plan, what each stage has come to, and the commands that move it.
// Types only.

import type { ColdStartSettings } from '../../settings/cold_start_settings';
import type { DatasetSummary, NamedFile } from './library';

/** Where the problems of a cold start come from. */
export type ColdStartSource =
  | { readonly kind: 'shapes_world' }
  | { readonly kind: 'dataset'; readonly datasetId: string; readonly name: string };

/** Who writes looks: an adapter of the model, or another model, which is loaded while it does. */
export interface ColdStartWriter {
  readonly id: string;
  readonly name: string;
}

/** A whole cold start, as it was begun and as its later stages are set now. */
export interface ColdStartPlan extends ColdStartSettings {
  readonly source: ColdStartSource;
  /** Absent where none was chosen so far. */
  readonly writer?: ColdStartWriter;
  readonly writerModel?: ColdStartWriter;
  /** Fingerprints of the weights of other models that wrote looks, by their ids. */
  readonly writerFingerprints?: Readonly<Record<string, string>>;
}

/** Settings that may change once answers are there: those of the stages after them. */
export type ColdStartChange = Partial<
  Pick<
    ColdStartSettings,
    | 'batch'
    | 'looks'
    | 'hardShare'
    | 'wrongFirstShare'
    | 'position'
    | 'insert'
    | 'tries'
    | 'reflectionRate'
    | 'examples'
  >
> &
  Pick<ColdStartPlan, 'writer' | 'writerModel'>;

/** The stages that ask the model; `self` is the looks that it writes, also with an adapter, or that another model does. */
export type ModelStage = 'rollouts' | 'self';

/** How far a stage that asks the model is. */
export interface ColdStartWork {
  readonly stage: ModelStage;
  readonly done: number;
  readonly total: number;
  /** Of the questions that are being asked now; null where it is not known. */
  readonly fraction: number | null;
  /** Null before the first wave has ended. */
  readonly secondsLeft: number | null;
}

/** A problem with one text about it, to show. */
export interface ColdStartText {
  readonly id: string;
  readonly question: string;
  readonly expected: string;
  readonly text: string;
  /** Whether its answer is right; null where that is not what it is about. */
  readonly correct: boolean | null;
}

/** Problems that the model solved equally often. */
export interface RolloutBar {
  /** Right answers among those asked for. */
  readonly right: number;
  readonly problems: number;
  /** Of them chosen for a look back. */
  readonly chosen: number;
}

/** What the filter says of one rule. */
export interface BrokenRule {
  readonly rule: string;
  /** What the rule demands. */
  readonly demands: string;
  readonly count: number;
  readonly examples: readonly { readonly id: string; readonly why: string; readonly text: string }[];
}

/** A cold start with everything that the page shows of it. */
export interface ColdStartView {
  readonly plan: ColdStartPlan;
  /** The model that answers. */
  readonly modelId: string;
  readonly createdAt: number;
  readonly bytes: number;
  /** Who works on it now: this tab, or another one. */
  readonly atWork: 'here' | 'elsewhere' | null;
  readonly rollouts: {
    readonly done: number;
    readonly total: number;
    /** From 0 to all answers right. */
    readonly bars: readonly RolloutBar[];
    /** Problems without one whole chain of thought. */
    readonly withoutChain: number;
    readonly examples: readonly ColdStartText[];
  };
  readonly selection: {
    readonly looks: number;
    /** Of them from a wrong thought. */
    readonly wrongFirst: number;
    readonly plains: number;
    readonly alwaysRight: number;
    readonly neverRight: number;
    readonly nowAndThen: number;
    readonly examples: readonly ColdStartText[];
  };
  readonly insertion: {
    /** Chosen chains for which something is written. */
    readonly written: number;
    /** Chosen chains whose looks were all cut off at the longest length of an answer. */
    readonly cutOff: number;
    readonly byHand: number;
    readonly examples: readonly ColdStartText[];
  };
  readonly filter: { readonly accepted: number; readonly broken: readonly BrokenRule[] };
  readonly mix: {
    readonly looks: number;
    readonly plains: number;
    readonly wrongFirst: number;
    readonly examples: readonly ColdStartText[];
  };
  /** Name of the data set that it was last saved as. */
  readonly savedAs: string | null;
}

/** One chosen chain in the editor. */
export interface ColdStartLook {
  /** From 0 among the chosen. */
  readonly index: number;
  readonly total: number;
  readonly id: string;
  readonly question: string;
  readonly expected: string;
  readonly image: Blob;
  /** What the answer has to begin with. */
  readonly opening: string;
  /** The whole answer as it is written now; the opening and an open look where nothing is. */
  readonly text: string;
  readonly written: boolean;
  /** Why the filter would reject it. */
  readonly broken: readonly string[];
}

/** What an import of looks came to. */
export interface ImportedLooks {
  readonly taken: number;
  /** Texts for problems that were not chosen. */
  readonly unknown: number;
  readonly view: ColdStartView;
}

/** Facts about the cold start in the making. */
export type ColdStartEvent =
  | { readonly type: 'coldStartProgressed'; readonly work: ColdStartWork }
  /** What is kept of it changed, here or in another tab. */
  | { readonly type: 'coldStartChanged' };

/** Commands of the cold start in the making; there is one. */
export interface ColdStartCommands {
  /** Null while there is none. */
  readColdStart(): Promise<ColdStartView | null>;
  /** Records a new one of the loaded model in place of the one before; asks nothing yet. */
  beginColdStart(plan: ColdStartPlan): Promise<ColdStartView>;
  /** Asks the loaded model, which has to be the stage's, until it is whole or paused. Every wave is kept as it ends. */
  runColdStart(stage: ModelStage): Promise<ColdStartView>;
  /** Ends asking; the wave in hand is thrown away. */
  pauseColdStart(): Promise<void>;
  changeColdStart(change: ColdStartChange): Promise<ColdStartView>;
  readColdStartLook(index: number): Promise<ColdStartLook>;
  /** Keeps a look that a person wrote; it goes before what others write for the same chain. */
  writeColdStartLook(index: number, text: string): Promise<ColdStartLook>;
  /** Takes looks from JSON lines `{"id", "text"}`. */
  importColdStartLooks(file: NamedFile): Promise<ImportedLooks>;
  /** A zip: the tasks with their pictures, or the examples as TRL, LLaMA-Factory and the page read them. */
  exportColdStart(what: 'tasks' | 'examples'): Promise<Blob>;
  /** Keeps the examples as a dataset. */
  saveColdStart(name: string): Promise<DatasetSummary>;
  /** @returns bytes freed */
  deleteColdStart(): Promise<number>;
}
