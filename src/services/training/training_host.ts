// The commands of training: one run live at a time over all tabs, its records, and what a crash left of them.
// Not the run itself (training_run.ts) and no maths. Invariant: a run is recorded before it starts, is live only under
// the lock, and a run that says it is live without the lock is settled before it is listed.

import { ArgumentError, LookBackError } from '../../lib/errors';
import { throwProblems } from '../../settings/read_settings';
import { planProblems } from '../../settings/train_plan';
import type { HeldLock } from '../../storage/locks';
import type { RunRecord } from '../../storage/records';
import { metricsCsv, metricsJsonl } from '../../train/training_log';
import type {
  RunDetail,
  RunFormat,
  RunSummary,
  TrainingCommands,
  TrainingEstimate,
  TrainingPlan,
} from '../../worker/protocol/training';
import type { Loaded } from '../answers/engine';
import { runArchive } from './run_export';
import { type RunSurroundings, TrainingRun } from './training_run';

/** What the host needs besides what its runs need. */
export interface TrainingParts extends RunSurroundings {
  /** Takes the lock of live training over all tabs; null when somebody has it. */
  lock(): Promise<HeldLock | null>;
  /** A plan's memory on the loaded model's device. */
  estimate(loaded: Loaded, plan: TrainingPlan): Promise<TrainingEstimate>;
  /** Throws when the source or the adapter of a plan is not there. */
  checkSources(loaded: Loaded, plan: TrainingPlan): Promise<void>;
  createId(): string;
}

interface Live {
  readonly run: TrainingRun;
  /** Resolves when the run is no longer live. */
  readonly ended: Promise<void>;
}

/** A run is live, here or in another tab. Code `train/busy`. */
function busy(where: 'here' | 'elsewhere', wanted: string): LookBackError {
  const message =
    where === 'here'
      ? `A run is training; ${wanted} has to wait: pause or stop it first.`
      : `Another tab is training; ${wanted} has to wait: pause or stop the run there.`;
  return new LookBackError('train/busy', message, { where });
}

const INTERRUPTED = {
  code: 'train/interrupted',
  message:
    'The page was closed or its process ended while this run was live. It can go on from its last checkpoint.',
};

/** One host per engine. Its methods are the protocol's commands of training; they reject with LookBackErrors. */
export class TrainingHost implements TrainingCommands {
  readonly #parts: TrainingParts;
  #live: Live | undefined;
  /** A paused run whose trainer is still in memory. */
  #kept: TrainingRun | undefined;
  /** Commands that take the lock, one after another. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(parts: TrainingParts) {
    this.#parts = parts;
  }

  /** Before the model goes: frees what was made from it. Throws `train/busy` while a run is live. */
  beforeUnload(): void {
    if (this.#live !== undefined) throw busy('here', 'another model');
    this.#drop();
  }

  /** Throws `train/busy` while the live run reads a dataset. */
  checkUnused(datasetId: string): void {
    const source = this.#live?.run.record.plan.source;
    if (source?.kind === 'dataset' && source.datasetId === datasetId)
      throw busy('here', 'deleting its dataset');
  }

  /** Throws `train/busy` while the live run continues an adapter: after a lost device it would need it again. */
  checkAdapterUnused(adapterId: string): void {
    if (this.#live?.run.record.plan.adapterId === adapterId)
      throw busy('here', 'deleting the adapter that it continues');
  }

  /** See TrainingCommands. */
  async estimateTraining(plan: TrainingPlan): Promise<TrainingEstimate> {
    checkPlan(plan);
    const loaded = this.#modelOf(plan);
    return this.#parts.estimate(loaded, plan);
  }

  /** See TrainingCommands. */
  startTraining(plan: TrainingPlan): Promise<RunSummary> {
    return this.#exclusive(async () => {
      checkPlan(plan);
      await this.#parts.checkSources(this.#modelOf(plan), plan);
      const lock = await this.#takeLock('a new run');
      try {
        const { runs, createId, date } = this.#parts;
        await runs.settleInterrupted(INTERRUPTED);
        const draft = { id: createId(), plan, state: 'preparing', createdAt: date() } as const;
        const record = await runs.create(draft);
        this.#drop();
        this.#begin(new TrainingRun(this.#parts, record), lock, false);
        this.#parts.changed();
        return record;
      } catch (error) {
        lock.release();
        throw error;
      }
    });
  }

  /** See TrainingCommands. */
  async pauseTraining(): Promise<void> {
    const live = this.#live;
    live?.run.ask('paused');
    await live?.ended;
  }

  /** See TrainingCommands. */
  async stopTraining(): Promise<void> {
    const live = this.#live;
    live?.run.ask('stopped');
    await live?.ended;
    if (live !== undefined || this.#kept === undefined) return;
    // Paused: there is nothing to save, only the record to close.
    const { id } = this.#kept;
    this.#drop();
    await this.#parts.runs.update(id, { state: 'stopped', updatedAt: this.#parts.date() });
    this.#parts.changed();
  }

  /** See TrainingCommands. */
  async resumeTraining(runId: string): Promise<RunSummary> {
    const { run } = await this.#goOn(runId, false);
    return run.record;
  }

  /** See TrainingCommands. */
  async stepTraining(runId: string): Promise<void> {
    const { ended } = await this.#goOn(runId, true);
    await ended;
  }

  /** See TrainingCommands. */
  async listRuns(): Promise<readonly RunSummary[]> {
    await this.#settle();
    return this.#parts.runs.list();
  }

  /** See TrainingCommands. */
  async readRun(runId: string): Promise<RunDetail> {
    await this.#settle();
    const { run, metrics, samples, groups } = await this.#parts.runs.read(runId);
    return { summary: run, metrics, samples, groups };
  }

  /** See TrainingCommands. */
  async deleteRun(runId: string): Promise<number> {
    await this.#settle();
    if (this.#live?.run.id === runId) throw busy('here', 'deleting it');
    const { run } = await this.#parts.runs.read(runId);
    if (isInFlight(run)) throw busy('elsewhere', 'deleting it');
    if (this.#kept?.id === runId) this.#drop();
    const freed = await this.#parts.runs.delete(runId);
    this.#parts.changed();
    return freed;
  }

  /** See TrainingCommands. */
  async exportRun(runId: string, format: RunFormat): Promise<Blob> {
    const { run, metrics } = await this.#parts.runs.read(runId);
    if (format === 'zip') {
      const base = (await this.#parts.runs.readCheckpoint(runId))?.extra ?? null;
      return runArchive({ plan: run.plan, step: run.step, metrics, base });
    }
    if (format === 'jsonl') return new Blob([metricsJsonl(metrics)], { type: 'application/jsonl' });
    if (format === 'csv') return new Blob([metricsCsv(metrics)], { type: 'text/csv' });
    throw new ArgumentError(`There is no export format "${String(format)}"; there are zip, jsonl and csv.`);
  }

  #goOn(runId: string, once: boolean): Promise<Live> {
    return this.#exclusive(async () => {
      const lock = await this.#takeLock('going on');
      try {
        const { runs } = this.#parts;
        await runs.settleInterrupted(INTERRUPTED);
        const { run: record } = await runs.read(runId);
        if (record.state === 'finished' || record.state === 'stopped') {
          throw new ArgumentError(
            `The run "${record.plan.name}" has ended (${record.state}): start a new one.`,
          );
        }
        this.#modelOf(record.plan);
        const kept = this.#kept?.id === runId && this.#kept.continues(record) ? this.#kept : undefined;
        if (kept === undefined) this.#drop();
        this.#kept = undefined;
        return this.#begin(kept ?? new TrainingRun(this.#parts, record), lock, once);
      } catch (error) {
        lock.release();
        throw error;
      }
    });
  }

  #begin(run: TrainingRun, lock: HeldLock, once: boolean): Live {
    const ended = run.run(once).then((state) => {
      if (state === 'paused') this.#kept = run;
      this.#live = undefined;
      lock.release();
    });
    const live = { run, ended };
    this.#live = live;
    return live;
  }

  #drop(): void {
    this.#kept?.drop();
    this.#kept = undefined;
  }

  #modelOf(plan: TrainingPlan): Loaded {
    const { loaded } = this.#parts.engine;
    if (loaded?.entry.id === plan.modelId) return loaded;
    throw new LookBackError('train/model', `The plan trains the model "${plan.modelId}": load it first.`, {
      modelId: plan.modelId,
      loaded: loaded?.entry.id ?? null,
    });
  }

  async #takeLock(wanted: string): Promise<HeldLock> {
    if (this.#live !== undefined) throw busy('here', wanted);
    const lock = await this.#parts.lock();
    if (lock === null) throw busy('elsewhere', wanted);
    return lock;
  }

  /** Settles runs that say they are live when none is: nobody holds the lock. */
  async #settle(): Promise<void> {
    if (this.#live !== undefined) return;
    await this.#exclusive(async () => {
      if (this.#live !== undefined || !(await this.#parts.runs.list()).some(isInFlight)) return;
      const lock = await this.#parts.lock();
      if (lock === null) return;
      try {
        if ((await this.#parts.runs.settleInterrupted(INTERRUPTED)) > 0) this.#parts.changed();
      } finally {
        lock.release();
      }
    });
  }

  /** One after another: two commands of this tab must not find the lock in each other's hands. */
  #exclusive<T>(body: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(body);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

function isInFlight({ state }: RunRecord): boolean {
  return state === 'preparing' || state === 'running' || state === 'pausing';
}

/** Throws ArgumentError naming the settings that cannot be used. */
function checkPlan(plan: TrainingPlan): void {
  throwProblems(planProblems(plan));
}
