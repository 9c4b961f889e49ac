// Keeps one training run while it lives: makes its trainer, drives the loop, records what it finds, and comes back
// after the graphics device was lost. The record is true at every moment: it is written before a run begins, after
// each step, and before an end is told.

import type { GpuContext } from '../../gpu/device';
import { LookBackError } from '../../lib/errors';
import { untilAborted } from '../../lib/interruption';
import { type PlainError, plainError } from '../../lib/plain_error';
import { completePlan } from '../../settings/train_plan';
import type { RunRecord } from '../../storage/records';
import type { RunStore, StepProgress } from '../../storage/run_store';
import type { EvaluationOutcome, RunCheckpoint, StepOutcome, Trainer } from '../../train/trainer';
import { isEvaluated } from '../../train/training_log';
import { type LoopEnd, type LoopStatus, TrainingLoop } from '../../train/training_loop';
import type {
  GroupFact,
  RunState,
  SampleFact,
  TrainingPlan,
  TrainingStatus,
} from '../../worker/protocol/training';
import type { CheckpointBase } from '../answers/checkpoint_base';
import type { Engine, EngineModel, Loaded } from '../answers/engine';
import type { GpuTurns } from '../answers/gpu_turns';
import type { TrainerFactory } from './trainer_factory';
import { groupFacts, type PictureOf, sampleFacts } from './training_facts';

/** The store of runs as training uses it. */
export type TrainingRuns = Pick<
  RunStore<TrainingPlan, SampleFact, GroupFact, CheckpointBase>,
  | 'list'
  | 'create'
  | 'read'
  | 'readGroups'
  | 'readCheckpoint'
  | 'update'
  | 'saveProgress'
  | 'saveEvaluation'
  | 'saveCheckpoint'
  | 'rewind'
  | 'settleInterrupted'
  | 'delete'
>;

/** What making a trainer may use meanwhile. */
export interface MakingHooks {
  readonly signal: AbortSignal;
  readonly onPhase: (phase: string, fraction: number | null) => void;
  /** Awaited between submits: answers use the device meanwhile. */
  readonly turn: () => Promise<void>;
}

/** A trainer ready to step, with what its checkpoints and its reports need. */
export interface MadeTrainer {
  readonly trainer: Trainer;
  /** Kept beside each checkpoint. */
  readonly base: CheckpointBase;
  /** What is to be known of the run besides, e.g. rows that it leaves out. */
  readonly notice: PlainError | null;
  readonly pictureOf: PictureOf;
}

/** What a run needs of its surroundings. */
export interface RunSurroundings<M extends EngineModel> {
  readonly engine: Pick<Engine<M>, 'loaded' | 'loadedAfter' | 'emit' | 'turns'>;
  readonly runs: TrainingRuns;
  readonly trainers: Pick<TrainerFactory<M>, 'make'>;
  /** Called when the stored run changed in a way that lists show. */
  changed(): void;
  /** Milliseconds on a clock that never runs backwards. */
  now(): number;
  /** Milliseconds since 1970. */
  date(): number;
}

interface Made extends MadeTrainer {
  readonly loop: TrainingLoop;
  readonly gpu: GpuContext;
}

/** Phase events at most this often. */
const STATUS_INTERVAL_MS = 100;

/** A run that is live, or paused with its trainer still in memory. */
export class TrainingRun<M extends EngineModel> {
  readonly #around: RunSurroundings<M>;
  #record: RunRecord<TrainingPlan>;
  #made: Made | undefined;
  #cancel = new AbortController();
  #wish: 'paused' | 'stopped' | null = null;
  /** Said with every status from then on: that the device was another one or came back, or that rows are left out. */
  #notice: PlainError | null = null;
  #status: TrainingStatus;
  #told: TrainingStatus | undefined;
  #toldAt = Number.NEGATIVE_INFINITY;
  #later: ReturnType<typeof setTimeout> | undefined;
  /** Steps that a full disk refused, while the trainer that made them is in memory. */
  #unsaved: StepProgress<GroupFact>[] = [];

  constructor(around: RunSurroundings<M>, record: RunRecord<TrainingPlan>) {
    this.#around = around;
    this.#record = record;
    this.#status = {
      ...{ runId: record.id, state: record.state, step: record.step, maxSteps: record.plan.maxSteps },
      ...{ phase: 'waiting', fraction: null, secondsPerStep: null, reason: null },
    };
  }

  get id(): string {
    return this.#record.id;
  }

  /** The record as last written here. */
  get record(): RunRecord<TrainingPlan> {
    return this.#record;
  }

  /** The newest status. */
  get status(): TrainingStatus {
    return this.#status;
  }

  /** True when the trainer in memory is where the stored run is, so that it may go on from memory. */
  continues(stored: RunRecord<TrainingPlan>): boolean {
    return (
      this.#made !== undefined && !this.#made.gpu.isLost() && stored.updatedAt === this.#record.updatedAt
    );
  }

  /** Throws the work in flight away and saves; the run then ends as `paused` or `stopped`. */
  ask(wish: 'paused' | 'stopped'): void {
    if (this.#wish !== 'stopped') this.#wish = wish;
    this.#tell({ state: 'pausing' });
    // What prepares or waits for a device ends at once; the loop ends its step and saves.
    this.#cancel.abort();
    const loop = this.#made?.loop;
    if (wish === 'paused') loop?.pause();
    else loop?.stop();
  }

  /**
   * Trains until the end, a wish, or trouble, through lost devices. Never rejects: trouble is the run's reason.
   * @param once a single step, then paused
   */
  async run(once: boolean): Promise<RunState> {
    let [state, reason]: readonly [RunState, PlainError | null] = ['paused', null];
    try {
      [state, reason] = await this.#toItsEnd(once);
    } catch (error) {
      if (this.#wish !== null && isAbort(error, this.#cancel.signal)) state = this.#wish;
      else [state, reason] = this.#trouble(error);
    }
    if (state !== 'paused') this.drop();
    this.#wish = null;
    this.#cancel = new AbortController();
    reason ??= this.#notice;
    await this.#write({ state, reason }).catch(() => undefined);
    this.#tell({ state, reason, phase: 'waiting', fraction: null, step: this.#record.step });
    return state;
  }

  /** Frees the trainer; the run goes on from its checkpoint, if ever. */
  drop(): void {
    const made = this.#made;
    this.#made = undefined;
    this.#unsaved = [];
    if (made !== undefined && !made.gpu.isLost()) made.trainer.destroy();
  }

  async #toItsEnd(once: boolean): Promise<readonly [RunState, PlainError | null]> {
    for (;;) {
      const { loaded } = this.#around.engine;
      if (loaded === undefined) throw new LookBackError('train/model', 'No model is loaded: load one first.');
      try {
        const { loop } = await this.#prepared(loaded);
        if (this.#wish === 'paused') loop.pause();
        if (this.#wish === 'stopped') loop.stop();
        const end: LoopEnd = once ? await loop.stepOnce() : await loop.run();
        const { reason } = loop.status;
        // What is in memory is no longer to be trusted; the last good checkpoint is.
        if (reason !== null) this.drop();
        return [end, reason === null ? null : plainError(reason)];
      } catch (error) {
        if (!loaded.gpu.isLost()) throw error;
        this.drop();
        await this.#recovered(loaded.gpu, plainError(error));
      }
    }
  }

  /** Waits for the model on a new device, and says what happened. */
  async #recovered(lost: GpuContext, error: PlainError): Promise<void> {
    const from = this.#record.checkpointStep ?? 0;
    this.#notice = {
      code: 'gpu/device-lost',
      message: `The graphics device was lost in step ${this.#status.step + 1}; training goes on from step ${from}.`,
      data: { step: this.#status.step, from, error: error.message },
    };
    this.#tell({ state: 'preparing', phase: 'recovering', fraction: null, reason: this.#notice });
    await this.#around.engine.loadedAfter(lost, this.#cancel.signal);
  }

  /** The trainer in memory, or one made from the last checkpoint. */
  async #prepared(loaded: Loaded<M>): Promise<Made> {
    if (this.#made !== undefined) {
      await this.#write({ state: 'running' });
      return this.#made;
    }
    const { runs, engine } = this.#around;
    this.#record = await runs.rewind(this.id, {
      state: 'preparing',
      reason: null,
      updatedAt: this.#around.date(),
    });
    this.#around.changed();
    this.#tell({
      state: 'preparing',
      phase: 'preparing',
      fraction: null,
      step: this.#record.step,
      reason: null,
    });
    const checkpoint = await runs.readCheckpoint(this.id);
    const { signal } = this.#cancel;
    const hooks: MakingHooks = {
      signal,
      onPhase: (phase, fraction) => {
        if (this.#status.state === 'preparing') this.#tell({ phase, fraction });
      },
      turn: () => engine.turns.pass(),
    };
    const { plan } = this.#record;
    const earlier = (await runs.read(this.id)).metrics.filter(isEvaluated);
    const made = await engine.turns.train(() => {
      const making = this.#around.trainers.make(loaded, plan, checkpoint, hooks);
      return loaded.gpu.untilLost(unlessAborted(making, loaded.gpu, signal));
    }, signal);
    const { base } = made;
    if (checkpoint !== null) this.#notice ??= differenceOf(checkpoint.extra, base);
    this.#notice ??= made.notice;
    const loop = new TrainingLoop(shared(made.trainer, loaded.gpu, engine.turns), this.#sink(base, made), {
      saveSteps: plan.saveSteps,
      evaluation: { ...completePlan(plan), earlier, best: checkpoint?.best ?? null },
      turn: () => engine.turns.pass(),
      now: () => this.#around.now(),
    });
    this.#made = { ...made, loop, gpu: loaded.gpu };
    // Epochs are counted in steps once the examples are.
    const { maxSteps } = made.trainer;
    if (this.#wish === null)
      await this.#write({ state: 'running', reason: this.#notice, plan: { ...plan, maxSteps } });
    return this.#made;
  }

  #sink(base: CheckpointBase, { pictureOf }: MadeTrainer) {
    const { runs } = this.#around;
    return {
      onStatus: (status: LoopStatus) => this.#loopSaid(status),
      onStep: (outcome: StepOutcome) => this.#stepped(outcome, pictureOf),
      onEvaluation: (outcome: EvaluationOutcome) => this.#evaluated(outcome),
      onCheckpoint: async ({ step, adapter, m, v, best }: RunCheckpoint) => {
        await this.#saveSteps();
        const checkpoint = { step, adapter, m, v, best, extra: base };
        this.#record = await runs.saveCheckpoint(this.id, checkpoint, { updatedAt: this.#around.date() });
        this.#around.changed();
      },
    };
  }

  #loopSaid({ state, step, maxSteps, phase, fraction, secondsPerStep }: LoopStatus): void {
    // An end is told when the record says it.
    if (state !== 'running' && state !== 'pausing') return;
    const now = state === 'running' && this.#wish !== null ? 'pausing' : state;
    this.#tell({ state: now, step, maxSteps, phase, fraction, secondsPerStep, reason: this.#notice });
  }

  async #stepped({ step, metrics, groups }: StepOutcome, pictureOf: PictureOf): Promise<void> {
    const { engine } = this.#around;
    const runId = this.id;
    const facts = groups === undefined ? {} : { groups: await groupFacts(groups, pictureOf) };
    this.#unsaved.push({ runId, step, metrics, at: this.#around.date(), ...facts });
    await this.#saveSteps();
    engine.emit({ type: 'trainingStepped', runId, metrics: { step, values: metrics } });
    if (facts.groups) engine.emit({ type: 'groupsSampled', runId, step, groups: facts.groups });
  }

  async #evaluated({ step, metrics, samples }: EvaluationOutcome): Promise<void> {
    const { engine, runs, date } = this.#around;
    const runId = this.id;
    const facts = sampleFacts(samples);
    await this.#saveSteps();
    this.#record = await runs.saveEvaluation({ runId, step, metrics, samples: facts, at: date() });
    engine.emit({ type: 'evaluated', runId, metrics: { step, values: metrics }, samples: facts });
  }

  async #saveSteps(): Promise<void> {
    for (let next = this.#unsaved[0]; next !== undefined; next = this.#unsaved[0]) {
      this.#record = await this.#around.runs.saveProgress(next);
      this.#unsaved.shift();
    }
  }

  /** What trouble means for the run: storage, device and a user's reward may do better, so it is paused; else it failed. */
  #trouble(error: unknown): readonly [RunState, PlainError] {
    const reason = plainError(error);
    // With a full disk the trainer in memory is worth more than the checkpoint.
    if (!reason.code.startsWith('storage/')) this.drop();
    return [/^(gpu|storage|reward)\//.test(reason.code) ? 'paused' : 'failed', reason];
  }

  async #write(change: { state: RunState; reason?: PlainError | null; plan?: TrainingPlan }): Promise<void> {
    this.#record = await this.#around.runs.update(this.id, { ...change, updatedAt: this.#around.date() });
    this.#around.changed();
  }

  /** Reports a change of state or step at once, a phase at most ten times a second. */
  #tell(change: Partial<TrainingStatus>): void {
    const status = { ...this.#status, ...change };
    this.#status = status;
    const told = this.#told;
    const weighty =
      told?.state !== status.state || told.step !== status.step || told.reason !== status.reason;
    const wait = this.#toldAt + STATUS_INTERVAL_MS - this.#around.now();
    if (weighty || wait <= 0) this.#emitStatus();
    else this.#later ??= setTimeout(() => this.#emitStatus(), wait);
  }

  #emitStatus(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
    this.#told = this.#status;
    this.#toldAt = this.#around.now();
    this.#around.engine.emit({ type: 'trainingChanged', status: this.#status });
  }
}

/** A trainer that holds the device only in its turns, and whose promises settle when the device is lost. */
function shared(trainer: Trainer, gpu: GpuContext, turns: GpuTurns): Trainer {
  const { evaluate } = trainer;
  return {
    get step() {
      return trainer.step;
    },
    get maxSteps() {
      return trainer.maxSteps;
    },
    runStep: (hooks) => turns.train(() => gpu.untilLost(trainer.runStep(hooks)), hooks.signal),
    evaluate: evaluate && ((hooks) => turns.train(() => gpu.untilLost(evaluate(hooks)), hooks.signal)),
    checkpoint: () => gpu.untilLost(trainer.checkpoint()),
    destroy: () => trainer.destroy(),
  };
}

/** Does not wait for a trainer that is no longer wanted: a compiler cannot be told to stop. It is freed when it comes. */
async function unlessAborted(
  making: Promise<MadeTrainer>,
  gpu: GpuContext,
  signal: AbortSignal,
): Promise<MadeTrainer> {
  try {
    return await untilAborted(making, signal);
  } catch (error) {
    const late = ({ trainer }: MadeTrainer): void => {
      if (!gpu.isLost()) trainer.destroy();
    };
    void making.then(late, () => undefined);
    throw error;
  }
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || (error instanceof DOMException && error.name === 'AbortError');
}

/** What to say when a run goes on where it cannot go on bit for bit. */
function differenceOf(before: CheckpointBase, now: CheckpointBase): PlainError | null {
  if (before.device === now.device && before.profile === now.profile) return null;
  return {
    code: 'train/other-device',
    message:
      `The checkpoint was made on "${before.device}"; this is "${now.device}", or its kernels changed. ` +
      'Training goes on, but not bit for bit as it would have there.',
    data: { before: before.device, now: now.device },
  };
}
