// Serves the commands of training: estimates a plan, starts a run and records it first, pauses, goes on, and lists what
// is stored of runs. One run is live at a time, under the lock of live_runs.ts; training_run.ts drives it.

import { ArgumentError, LookBackError } from '../../lib/errors';
import { checkedNotes } from '../../lib/notes';
import { throwProblems } from '../../settings/read_settings';
import { planProblems } from '../../settings/train_plan';
import type { HeldLock } from '../../storage/locks';
import { metricsCsv, metricsJsonl } from '../../train/training_log';
import type {
  RunDetail,
  RunFormat,
  RunSummary,
  StepGroups,
  TrainingCommands,
  TrainingEstimate,
  TrainingPlan,
} from '../../worker/protocol/training';
import type { EngineModel, Loaded, ModelUser } from '../answers/engine';
import { busy, type LiveRuns } from './live_runs';
import { groupLines, runArchive } from './run_export';
import type { TrainerFactory } from './trainer_factory';
import { estimateTraining } from './training_estimate';
import { type RunSurroundings, TrainingRun } from './training_run';

/** What the host needs besides what its runs need. */
export interface TrainingParts<M extends EngineModel> extends RunSurroundings<M> {
  readonly liveRuns: LiveRuns;
  readonly trainers: Pick<TrainerFactory<M>, 'make' | 'checkSources' | 'memoryPlanner'>;
  createId(): string;
}

interface Live<M extends EngineModel> {
  readonly run: TrainingRun<M>;
  /** Resolves when the run is no longer live. */
  readonly ended: Promise<void>;
}

/** One host per engine. Its methods are the page's commands; they reject with LookBackErrors. */
export class TrainingHost<M extends EngineModel> implements TrainingCommands, ModelUser {
  readonly #parts: TrainingParts<M>;
  #live: Live<M> | undefined;
  /** A paused run whose trainer is still in memory. */
  #kept: TrainingRun<M> | undefined;

  constructor(parts: TrainingParts<M>) {
    this.#parts = parts;
  }

  /** Throws `train/busy` while a run is live: its model must stay. */
  checkRelease(): void {
    if (this.#live !== undefined) throw busy('here', 'another model');
  }

  /** Before the model goes: frees the trainer that was kept. */
  release(): void {
    this.#drop();
  }

  /** See TrainingCommands. */
  async estimateTraining(plan: TrainingPlan): Promise<TrainingEstimate> {
    checkPlan(plan);
    const loaded = this.#modelOf(plan);
    const { trainers, engine } = this.#parts;
    const planner = await trainers.memoryPlanner(loaded, plan);
    return engine.turns.answer(() => estimateTraining(loaded.gpu, plan, planner));
  }

  /** See TrainingCommands. */
  async startTraining(plan: TrainingPlan): Promise<RunSummary> {
    checkPlan(plan);
    const { trainers, liveRuns, runs, createId, date } = this.#parts;
    await trainers.checkSources(this.#modelOf(plan), plan);
    const lock = await liveRuns.claim('a new run');
    try {
      const record = await runs.create({ id: createId(), plan, state: 'preparing', createdAt: date() });
      this.#drop();
      this.#begin(new TrainingRun(this.#parts, record), lock, false);
      this.#parts.changed();
      return record;
    } catch (error) {
      lock.release();
      throw error;
    }
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
    await this.#parts.liveRuns.settle();
    return this.#parts.runs.list();
  }

  /** See TrainingCommands. */
  async readRun(runId: string): Promise<RunDetail> {
    await this.#parts.liveRuns.settle();
    const { run, ...recorded } = await this.#parts.runs.read(runId);
    return { summary: run, ...recorded };
  }

  /** See TrainingCommands. */
  async readGroups(runId: string, step: number): Promise<StepGroups | null> {
    return this.#parts.runs.readGroups(runId, step);
  }

  /** See TrainingCommands. */
  async noteRun(runId: string, notes: string): Promise<void> {
    await this.#parts.runs.update(runId, { notes: checkedNotes(notes) });
    this.#parts.changed();
  }

  /** See TrainingCommands. */
  async deleteRun(runId: string): Promise<number> {
    await this.#parts.liveRuns.settle();
    const { run } = await this.#parts.runs.read(runId);
    this.#parts.liveRuns.checkEnded(run);
    if (this.#kept?.id === runId) this.#drop();
    const freed = await this.#parts.runs.delete(runId);
    this.#parts.changed();
    return freed;
  }

  /** See TrainingCommands. */
  async exportRun(runId: string, format: RunFormat): Promise<Blob> {
    const { run, metrics, groupSteps } = await this.#parts.runs.read(runId);
    if (format === 'zip') {
      const base = (await this.#parts.runs.readCheckpoint(runId))?.extra ?? null;
      const lines: string[] = [];
      for (const step of groupSteps) lines.push(groupLines(await this.#parts.runs.readGroups(runId, step)));
      const { plan, step, notes } = run;
      return runArchive({ plan, step, notes, metrics, base, groups: lines.join('') });
    }
    if (format === 'jsonl') return new Blob([metricsJsonl(metrics)], { type: 'application/jsonl' });
    if (format === 'csv') return new Blob([metricsCsv(metrics)], { type: 'text/csv' });
    throw new ArgumentError(`There is no export format "${String(format)}"; there are zip, jsonl and csv.`);
  }

  async #goOn(runId: string, once: boolean): Promise<Live<M>> {
    const { runs, liveRuns } = this.#parts;
    const lock = await liveRuns.claim('going on');
    try {
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
  }

  #begin(run: TrainingRun<M>, lock: HeldLock, once: boolean): Live<M> {
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

  #modelOf(plan: TrainingPlan): Loaded<M> {
    const { loaded } = this.#parts.engine;
    if (loaded?.entry.id === plan.modelId) return loaded;
    throw new LookBackError('train/model', `The plan trains the model "${plan.modelId}": load it first.`, {
      modelId: plan.modelId,
      loaded: loaded?.entry.id ?? null,
    });
  }
}

/** Throws ArgumentError naming the settings that cannot be used. */
function checkPlan(plan: TrainingPlan): void {
  throwProblems(planProblems(plan));
}
