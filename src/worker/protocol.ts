// The seam between the page and the engine's Worker: types only, importable by both halves, importing nothing.
// Commands travel through Comlink and resolve with plain data; facts travel through one MessagePort in batches.
// Invariant: everything here survives structured clone.

/** Bumped whenever a message changes shape; both halves refuse another version. */
export type ProtocolVersion = 2;

/** What the engine is doing. Illegal commands reject with code `engine/state`, naming state and command. */
export type EngineState = 'idle' | 'loading' | 'ready' | 'generating' | 'failed';

/** A reasoning mode: which prompt of the model's `lookback.json` is appended to the question. */
export type ReasoningMode = 'plain' | 'cot' | 'semantic' | 'solution';

/** A model of `models/models.json`. */
export interface ModelEntry {
  readonly id: string;
  readonly label: string;
  /** Folder relative to the page. */
  readonly folder: string;
  /** Bytes of all its files. */
  readonly bytes: number;
  /** True for a stand-in that a later release replaces. */
  readonly draft: boolean;
}

/** The loaded model, as the page shows it. */
export interface LoadedModel {
  readonly entry: ModelEntry;
  readonly parameters: number;
  readonly layers: number;
  readonly heads: number;
  readonly modes: readonly ReasoningMode[];
  /** True when pictures are padded to a square first (pocket). */
  readonly square: boolean;
  readonly maxNewTokens: number;
  /** One sentence on what the model can see, e.g. that pocket knows coloured shapes on a 3 × 3 sheet. */
  readonly knows: string;
}

/** The graphics device, as the page shows it. */
export interface DeviceSummary {
  readonly description: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly software: boolean;
  readonly shaderF16: boolean;
}

/** A question about a picture. */
export interface GenerateRequest {
  /** The encoded file as chosen by the user; decoded in the Worker. */
  readonly image: Blob;
  readonly question: string;
  readonly mode: ReasoningMode;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly topP: number;
  /** 0 is off. */
  readonly topK: number;
  readonly repetitionPenalty: number;
  /** Unsigned 32 bits. Same seed, model and device: same answer. */
  readonly seed: number;
  readonly maxNewTokens: number;
  /** Record attention (shares and maps) for each generated token. */
  readonly capture: boolean;
  /** A stored adapter and its strength (1 is as trained); null asks the base model. */
  readonly adapter: { readonly id: string; readonly strength: number } | null;
}

/** Why generation ended. */
export type FinishReason = 'eos' | 'length' | 'stopped';

/** Measured figures of one answer. Times in milliseconds. */
export interface GenerateStats {
  readonly promptTokens: number;
  readonly generatedTokens: number;
  readonly timeToFirstTokenMs: number;
  readonly totalMs: number;
  /** Generated tokens after the first, per second. */
  readonly tokensPerSecond: number;
  readonly seed: number;
  readonly finishReason: FinishReason;
}

/** What `generate` resolves with; the tokens themselves arrive as events. */
export interface GenerateResult {
  readonly text: string;
  readonly answer: string | null;
  readonly stats: GenerateStats;
}

/** A kind of text span: reasoning, looking back, the boxed answer, or text outside any tag. */
export type SegmentKind = 'think' | 'back' | 'answer' | 'text';

/** A span of the generated text. Offsets are UTF-16 units of the text so far; tokens are generated-token indices, end exclusive. */
export interface Segment {
  readonly kind: SegmentKind;
  readonly start: number;
  readonly end: number;
  readonly tokenStart: number;
  readonly tokenEnd: number;
  /** False while it is still growing, or when its closing tag never came. */
  readonly closed: boolean;
}

/** Attention of one generated token, mean over heads, then over layers; the sum is a little below 1 (`vision_end`). */
export interface AttentionShares {
  readonly image: number;
  readonly query: number;
  readonly generated: number;
}

/** One generated token. */
export interface TokenFact {
  /** 0-based index among generated tokens. */
  readonly step: number;
  readonly id: number;
  /** Text this token added (may be empty). */
  readonly text: string;
  /**
   * Attention of the query that *is* this token (available one step later), or null when not recorded.
   */
  readonly shares: AttentionShares | null;
  /** Probability mass on each image token, row-major on `PromptFact.grid`, mean over heads and layers; or null. */
  readonly map: Float32Array | null;
  readonly atMs: number;
}

/** How the picture became image tokens. Fractions are of the padded picture's sides. */
export interface PromptFact {
  readonly promptTokens: number;
  readonly imageTokens: number;
  /** Image tokens after the merge: rows, columns. */
  readonly grid: readonly [number, number];
  readonly sourceWidth: number;
  readonly sourceHeight: number;
  /** Padding that was added around the picture before resizing, as fractions of the padded picture. */
  readonly padding: {
    readonly left: number;
    readonly top: number;
    readonly right: number;
    readonly bottom: number;
  };
  /** What the model received, in pixels. */
  readonly resizedWidth: number;
  readonly resizedHeight: number;
  /** Set when something about the file was simplified, e.g. only the first frame of an animation is used. */
  readonly notes: readonly string[];
  /** True when the picture does not look like the pictures this model was trained on (pocket and photographs). */
  readonly outsideWorld: boolean;
}

/** What is trained: supervised fine-tuning on written answers, or GRPO on sampled ones. */
export type TrainingMethod = 'sft' | 'grpo';

/** A new adapter's shape, in PEFT's terms. */
export interface LoraSettings {
  readonly r: number;
  readonly loraAlpha: number;
  readonly loraDropout: number;
  /** A regular expression that names modules in full, as PEFT matches it. */
  readonly targetModules: string;
}

/** AdamW with a schedule, in TRL's terms. */
export interface OptimSettings {
  readonly learningRate: number;
  readonly lrSchedulerType: 'constant' | 'linear' | 'cosine';
  readonly warmupSteps: number;
  readonly weightDecay: number;
  readonly adamBeta1: number;
  readonly adamBeta2: number;
  readonly adamEpsilon: number;
  /** 0 never clips. */
  readonly maxGradNorm: number;
}

/** Settings that only SFT reads. */
export interface SftSettings {
  /** Examples per optimiser step. */
  readonly batchSize: number;
  /** Passes over the examples, which then decide the number of steps; 0 leaves it to `maxSteps`. */
  readonly numTrainEpochs: number;
  /** Longest example in tokens, prompt included; longer ones are left out and counted. */
  readonly maxLength: number;
  /** Steps between evaluations; 0 never evaluates. */
  readonly evalSteps: number;
  /** Examples held out by seed for the evaluation loss. */
  readonly evalSize: number;
  /** Answers sampled greedily at each evaluation. */
  readonly evalSamples: number;
}

/** Settings that only GRPO reads, in TRL's terms. */
export interface GrpoSettings {
  readonly promptsPerStep: number;
  readonly numGenerations: number;
  readonly maxCompletionLength: number;
  readonly temperature: number;
  readonly topP: number;
  readonly lossType: 'grpo' | 'bnpo' | 'dr_grpo' | 'dapo';
  readonly epsilon: number;
  readonly epsilonHigh: number;
  /** Weight of the KL term against the reference; 0 leaves it out. */
  readonly beta: number;
  readonly numIterations: number;
  readonly scaleRewards: 'group' | 'none' | 'std_floor';
  /** Smallest divisor of `std_floor`. */
  readonly stdFloor: number;
  /** Groups that teach nothing are dropped: equal rewards, or equal accuracy. */
  readonly dropUniformGroups: 'none' | 'reward' | 'accuracy';
  readonly maskTruncatedCompletions: boolean;
  /** Weights of the rewards by name; absent is 0. */
  readonly rewardWeights: Readonly<Record<string, number>>;
}

/** Where examples come from. */
export type TrainingSource =
  | {
      readonly kind: 'shapes_world';
      /** Share of questions that ignore the picture. */
      readonly textShare: number;
      /** SFT: scenes drawn, answers sampled for each by the base, and the share of examples that look back. */
      readonly scenes: number;
      readonly rolloutsPerScene: number;
      readonly reflectionRate: number;
    }
  | { readonly kind: 'dataset'; readonly datasetId: string };

/** A whole training run, as the form edits it and the run keeps it. */
export interface TrainingPlan {
  readonly name: string;
  readonly method: TrainingMethod;
  readonly modelId: string;
  readonly source: TrainingSource;
  /** Adapter that the run continues (and that GRPO's reference then is); null begins a new one. */
  readonly adapterId: string | null;
  readonly mode: ReasoningMode;
  readonly lora: LoraSettings;
  readonly optim: OptimSettings;
  readonly maxSteps: number;
  readonly seed: number;
  /** Steps between checkpoints. */
  readonly saveSteps: number;
  /** Packed tokens of one micro-batch; a step is cut into as many as it needs and gradients are accumulated. */
  readonly tokensPerMicroBatch: number;
  /** Recompute layers in the reverse instead of keeping their activations. */
  readonly gradientCheckpointing: boolean;
  readonly sft: SftSettings;
  readonly grpo: GrpoSettings;
}

/** What a plan would need, found by a trial allocation. */
export interface TrainingEstimate {
  readonly fits: boolean;
  readonly bytes: number;
  readonly parts: readonly { readonly name: string; readonly bytes: number }[];
  /** What to change when it does not fit: the setting and a value that should. */
  readonly advice: string | null;
  /** Parameters of the adapter. */
  readonly trainableParameters: number;
}

/** Where a run is. `paused` holds its checkpoint; the last three are ends, of which only `failed` may go on. */
export type RunState = 'preparing' | 'running' | 'pausing' | 'paused' | 'finished' | 'stopped' | 'failed';

/** A run in the list. */
export interface RunSummary {
  readonly id: string;
  readonly plan: TrainingPlan;
  readonly state: RunState;
  /** Steps done. */
  readonly step: number;
  /** Step of the last checkpoint; null before the first. */
  readonly checkpointStep: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Adapter that was saved from it. */
  readonly adapterId: string | null;
  /** Why it paused or failed, when not asked to. */
  readonly reason: PlainError | null;
  readonly bytes: number;
}

/** Metrics of one step under TRL's names, besides Look-Back's. */
export interface StepMetrics {
  readonly step: number;
  readonly values: Readonly<Record<string, number>>;
}

/** One completion in the group inspector. */
export interface CompletionFact {
  readonly text: string;
  readonly answer: string | null;
  readonly correct: boolean;
  readonly format: 'back' | 'cot' | 'none';
  readonly tokens: number;
  readonly truncated: boolean;
  /** Unweighted rewards by name. */
  readonly rewards: Readonly<Record<string, number>>;
  readonly reward: number;
  readonly advantage: number;
}

/** One prompt with its sampled completions. */
export interface GroupFact {
  readonly question: string;
  readonly expected: string;
  /** PNG or the source file. */
  readonly image: Blob | null;
  /** Why it was left out of the update; null when it was not. */
  readonly dropped: 'uniform' | 'truncated' | null;
  readonly completions: readonly CompletionFact[];
}

/** An answer sampled at an evaluation. */
export interface SampleFact {
  readonly question: string;
  readonly expected: string;
  readonly text: string;
  readonly answer: string | null;
  readonly correct: boolean;
  readonly format: 'back' | 'cot' | 'none';
}

/** A run with everything that the page shows of it. */
export interface RunDetail {
  readonly summary: RunSummary;
  readonly metrics: readonly StepMetrics[];
  readonly samples: readonly { readonly step: number; readonly samples: readonly SampleFact[] }[];
  readonly groups: { readonly step: number; readonly groups: readonly GroupFact[] } | null;
}

/** The live run, in one line. */
export interface TrainingStatus {
  readonly runId: string;
  readonly state: RunState;
  readonly step: number;
  readonly maxSteps: number;
  /** What is being done now, e.g. `sampling`, `updating`, `evaluating`, `saving`, with a fraction where known. */
  readonly phase: string;
  readonly fraction: number | null;
  /** Measured over the last steps; null before the first. */
  readonly secondsPerStep: number | null;
  readonly reason: PlainError | null;
}

/** A stored adapter. */
export interface AdapterSummary {
  readonly id: string;
  readonly name: string;
  readonly notes: string;
  readonly modelId: string;
  /** SHA-256 of the base model's weights, hexadecimal. */
  readonly fingerprint: string;
  /** True when it came with the page: it cannot be deleted. */
  readonly bundled: boolean;
  readonly r: number;
  readonly loraAlpha: number;
  readonly targetModules: readonly string[];
  readonly parameters: number;
  readonly bytes: number;
  readonly createdAt: number;
  readonly run: { readonly id: string; readonly method: TrainingMethod; readonly step: number } | null;
  /** Last metrics of the run, or of the evaluation that came with it. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** A stored dataset. */
export interface DatasetSummary {
  readonly id: string;
  readonly name: string;
  readonly rows: number;
  /** Rows that carry a written response, which SFT needs. */
  readonly withResponse: number;
  readonly bytes: number;
  readonly createdAt: number;
}

/** A row that cannot be used. */
export interface DatasetProblem {
  readonly file: string;
  /** Line or row from 1; null for a whole file. */
  readonly row: number | null;
  readonly reason: string;
}

/** Which column of the source holds what; null where there is none. */
export interface ColumnMapping {
  readonly image: string | null;
  readonly question: string | null;
  readonly answer: string | null;
  readonly response: string | null;
}

/** What an import found, before it is kept. */
export interface DatasetPreview {
  /** Hands the preview to `keepDataset`; only the newest is held. */
  readonly token: string;
  readonly columns: readonly string[];
  readonly mapping: ColumnMapping;
  readonly rows: number;
  readonly withResponse: number;
  readonly problems: readonly DatasetProblem[];
  /** Problems beyond those listed. */
  readonly moreProblems: number;
  readonly sample: readonly DatasetRow[];
}

/** A row as stored. */
export interface DatasetRow {
  readonly image: Blob;
  readonly imageName: string;
  readonly question: string;
  readonly answer: string;
  readonly response: string | null;
}

/** A row as the model receives it. */
export interface DatasetRowView {
  readonly row: DatasetRow;
  /** The template applied, image tokens shortened to one. */
  readonly prompt: string;
  readonly promptTokens: number;
  readonly imageTokens: number;
  readonly resizedWidth: number;
  readonly resizedHeight: number;
  readonly responseTokens: number;
}

/** A file as dropped, pasted or picked; `path` is relative to what was dropped. */
export interface NamedFile {
  readonly path: string;
  readonly blob: Blob;
}

/** What the page keeps on this device. */
export interface StorageUsage {
  readonly usedBytes: number;
  readonly quotaBytes: number;
  /** True once the browser promised not to clear it on its own. */
  readonly persisted: boolean;
  readonly items: readonly {
    readonly kind: 'adapter' | 'run' | 'dataset';
    readonly id: string;
    readonly name: string;
    readonly bytes: number;
  }[];
}

/** Named phases of loading, in order. */
export type LoadPhase = 'device' | 'download' | 'check' | 'upload' | 'compile' | 'warm-up';

/** Facts the engine reports, in order. */
export type EngineEvent =
  | { readonly type: 'stateChanged'; readonly state: EngineState }
  | { readonly type: 'deviceReady'; readonly device: DeviceSummary }
  | {
      readonly type: 'loadProgressed';
      readonly phase: LoadPhase;
      readonly loaded: number;
      readonly total: number;
    }
  | { readonly type: 'modelLoaded'; readonly model: LoadedModel }
  | { readonly type: 'promptReady'; readonly prompt: PromptFact }
  | {
      readonly type: 'tokensGenerated';
      readonly tokens: readonly TokenFact[];
      readonly segments: readonly Segment[];
    }
  | {
      readonly type: 'attentionRecorded';
      readonly step: number;
      readonly shares: AttentionShares;
      readonly map: Float32Array;
    }
  | {
      readonly type: 'generationFinished';
      readonly result: GenerateResult;
      readonly segments: readonly Segment[];
    }
  | { readonly type: 'deviceLost'; readonly message: string; readonly recovering: boolean }
  | { readonly type: 'deviceRestored'; readonly device: DeviceSummary }
  | { readonly type: 'trainingChanged'; readonly status: TrainingStatus }
  | { readonly type: 'trainingStepped'; readonly runId: string; readonly metrics: StepMetrics }
  | {
      readonly type: 'groupsSampled';
      readonly runId: string;
      readonly step: number;
      readonly groups: readonly GroupFact[];
    }
  | {
      readonly type: 'samplesEvaluated';
      readonly runId: string;
      readonly step: number;
      readonly samples: readonly SampleFact[];
    }
  /** Something stored changed, here or in another tab: lists are to be fetched again. */
  | { readonly type: 'storeChanged'; readonly store: 'adapters' | 'runs' | 'datasets' }
  | { readonly type: 'failed'; readonly error: PlainError };

/** An error that crossed the seam. `code` is stable; the page maps it to words and an action. */
export interface PlainError {
  readonly code: string;
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Batches of events, at most one per animation frame. */
export interface EventBatch {
  readonly version: ProtocolVersion;
  readonly events: readonly EngineEvent[];
}

/** Commands of the engine; every promise rejects with a `PlainError`. */
export interface EngineCommands {
  /** Hands over the port for events. Must be the first call. */
  connect(port: MessagePort): Promise<{ version: ProtocolVersion }>;
  /** Lists the built-in models. */
  listModels(): Promise<readonly ModelEntry[]>;
  /** Loads a model (and acquires the device); replaces the one loaded before. */
  load(modelId: string): Promise<LoadedModel>;
  /** Answers a question; rejects with `engine/state` while another answer is being generated. */
  generate(request: GenerateRequest): Promise<GenerateResult>;
  /** Ends the running answer within a step or two; its partial text is kept. */
  stop(): Promise<void>;
  /** Cancels a running load. */
  cancelLoad(): Promise<void>;
}

/** Commands of training; one run is live at a time. Rejections as in {@link EngineCommands}. */
export interface TrainingCommands {
  /** Memory of a plan, by a trial allocation. */
  estimateTraining(plan: TrainingPlan): Promise<TrainingEstimate>;
  /** Records a run and starts it; resolves when it is recorded. Rejects with `train/busy` while another is live. */
  startTraining(plan: TrainingPlan): Promise<RunSummary>;
  /** Ends the work in flight, saves a checkpoint; resolves when paused. */
  pauseTraining(): Promise<void>;
  /** Goes on from the run's last checkpoint, after a pause, a reload or a failure. */
  resumeTraining(runId: string): Promise<RunSummary>;
  /** One step of a paused run, which is paused again after it. */
  stepTraining(runId: string): Promise<void>;
  /** Ends the run for good, with a checkpoint from which an adapter can be saved. */
  stopTraining(): Promise<void>;
  listRuns(): Promise<readonly RunSummary[]>;
  readRun(runId: string): Promise<RunDetail>;
  /** @returns bytes freed */
  deleteRun(runId: string): Promise<number>;
  exportRun(runId: string, format: 'jsonl' | 'csv'): Promise<Blob>;
}

/** Commands of what is stored. */
export interface LibraryCommands {
  listAdapters(): Promise<readonly AdapterSummary[]>;
  /** Keeps the run's last checkpoint as an adapter. */
  saveAdapter(runId: string, name: string): Promise<AdapterSummary>;
  renameAdapter(id: string, change: { readonly name: string; readonly notes: string }): Promise<void>;
  /** @returns bytes freed */
  deleteAdapter(id: string): Promise<number>;
  /** A zip with `adapter_config.json` and `adapter_model.safetensors`, as PEFT reads them. */
  exportAdapter(id: string): Promise<Blob>;
  importAdapter(file: Blob, name: string): Promise<AdapterSummary>;
  /** Reads files without keeping them. `mapping` null guesses the columns. */
  previewDataset(files: readonly NamedFile[], mapping: ColumnMapping | null): Promise<DatasetPreview>;
  /** Keeps the usable rows of a preview; the caller has asked about the others. */
  keepDataset(token: string, name: string): Promise<DatasetSummary>;
  listDatasets(): Promise<readonly DatasetSummary[]>;
  readDatasetRow(id: string, index: number, mode: ReasoningMode): Promise<DatasetRowView>;
  /** Appends a row; `id` null makes a dataset of that name. */
  addToDataset(id: string | null, name: string, row: DatasetRow): Promise<DatasetSummary>;
  /** @returns bytes freed */
  deleteDataset(id: string): Promise<number>;
  storageUsage(): Promise<StorageUsage>;
}
