// Serves the commands of building a cold start: begins one, asks the model stage by stage, takes looks that are written
// elsewhere or by hand, and keeps the examples as a data set. One tab works on it at a time, under a lock; what is stored
// is true at every moment, so that a closed page loses at most the wave in hand.

import { ArgumentError, DataError, StorageError } from '../../lib/errors';
import { defined } from '../../lib/invariant';
import { looksOfTexts, type OpenedChain, readWrittenLines } from '../../lookback/cold_start/insertion';
import { coldStartReport } from '../../lookback/cold_start/judged_examples';
import { ModelAnswers, type SampledModel } from '../../lookback/cold_start/model_answers';
import {
  type StageAnswers,
  type StageHooks,
  type StageProgress,
  sampleLooks,
  sampleProblems,
} from '../../lookback/cold_start/model_stages';
import type { ProblemSource } from '../../lookback/cold_start/problem_source';
import type { LoraAdapter } from '../../model/lora';
import { COLD_START_SETTINGS } from '../../settings/cold_start_settings';
import { givenProblems, throwProblems } from '../../settings/read_settings';
import type { ColdStartStore, StageTexts } from '../../storage/cold_start_store';
import type { HeldLock } from '../../storage/locks';
import type { ColdStartRecord } from '../../storage/records';
import type {
  ColdStartChange,
  ColdStartCommands,
  ColdStartLook,
  ColdStartPlan,
  ColdStartView,
  ImportedLooks,
  ModelStage,
} from '../../worker/protocol/cold_start';
import type { DatasetSummary, NamedFile } from '../../worker/protocol/library';
import type { Engine, EngineModel, Loaded } from '../answers/engine';
import type { DatasetLibrary } from '../library/dataset_library';
import { busy, type LiveRuns } from '../training/live_runs';
import { examplesArchive, tasksArchive } from './cold_start_archive';
import { type ColdStartStages, StagesOf, stageStore } from './cold_start_stages';
import { lookView, viewOf } from './cold_start_view';
import {
  asksOther,
  originSettings,
  otherModel,
  settingsOf,
  withFingerprint,
  writingAdapter,
} from './cold_start_writers';
import { type SourceParts, sourcesOf } from './plan_sources';

/** A loaded model that can be asked. */
export type AskedModel = EngineModel & SampledModel;

/** What the host needs. */
export interface ColdStartParts extends SourceParts {
  readonly engine: Pick<Engine<AskedModel>, 'loaded' | 'turns' | 'emit'>;
  readonly store: Pick<
    ColdStartStore<ColdStartPlan>,
    'current' | 'read' | 'begin' | 'update' | 'putTexts' | 'delete'
  >;
  readonly datasets: Pick<DatasetLibrary, 'storedRow' | 'rowCount' | 'keepRows'>;
  readonly liveRuns: Pick<LiveRuns, 'claim'>;
  /** Opens sampling from a model; the model's own by default. */
  readonly openAnswers?: (model: AskedModel, first: number, adapter: LoraAdapter | null) => StageAnswers;
  /** Puts an adapter on the device that nobody else uses. @throws StorageError `storage/missing` and as its loading does */
  openAdapter(id: string, loaded: Loaded): Promise<LoraAdapter>;
  /** Takes the lock of the cold start over all tabs; null when another has it. */
  lock(): Promise<HeldLock | null>;
  /** Whether this or another tab has that lock. */
  isLocked(): Promise<boolean>;
  fingerprintOf(loaded: Loaded): Promise<string>;
  /** Called when what is stored changed. */
  changed(): void;
  createId(): string;
  date(): number;
}

interface Work {
  readonly stage: ModelStage;
  readonly stop: AbortController;
}

const PAUSED = 'paused by the person';
/** Problems of one cold start: every view works out its stages anew. The command line takes more. */
const MAX_PROBLEMS = 5000;
/** Looks of a few hundred thousand chains. */
const MAX_LOOKS_BYTES = 2 ** 28;

/** One host per engine. Its methods are the page's commands; they reject with LookBackErrors. */
export class ColdStartHost implements ColdStartCommands {
  readonly #parts: ColdStartParts;
  #work: Work | undefined;
  #held: { readonly id: string; readonly stages: StagesOf } | undefined;
  /** What changes the cold start in this tab, one after another. */
  #changes: Promise<unknown> = Promise.resolve();
  /** Commands of {@link ColdStartHost.#changes} that are not done. */
  #waiting = 0;

  constructor(parts: ColdStartParts) {
    this.#parts = parts;
  }

  /** Throws `train/busy` while the model is asked: it must stay. */
  checkRelease(): void {
    if (this.#work !== undefined) throw busy('here', 'another model', 'cold start');
  }

  /** See ColdStartCommands. */
  async readColdStart(): Promise<ColdStartView | null> {
    const record = await this.#parts.store.current();
    if (record === null) return null;
    return this.#view(record.id);
  }

  /** See ColdStartCommands. */
  async beginColdStart(plan: ColdStartPlan): Promise<ColdStartView> {
    const loaded = this.#loaded();
    const { source } = plan;
    checkPlan(plan);
    const { store, createId, date, fingerprintOf, datasets } = this.#parts;
    const rows = source.kind === 'dataset' ? await datasets.rowCount(source.datasetId) : plan.count;
    if (rows === 0) throw new DataError('data/dataset-empty', 'The dataset has no rows: add some first.');
    const count = Math.min(plan.count, rows);
    if (count > MAX_PROBLEMS)
      throw new ArgumentError(
        `The page builds a cold start of at most ${MAX_PROBLEMS} questions, not ${count}: ask about fewer, or use "npm run cold-start".`,
        { key: 'count' },
      );
    const start = {
      ...{ id: createId(), plan: { ...plan, count } },
      ...{ modelId: loaded.entry.id, fingerprint: await fingerprintOf(loaded), createdAt: date() },
    };
    const { id } = await this.#changing(() => store.begin(start));
    return this.#view(id);
  }

  /** See ColdStartCommands. */
  async runColdStart(stage: ModelStage): Promise<ColdStartView> {
    const { id, ...begun } = await this.#current();
    const { engine, fingerprintOf } = this.#parts;
    const other = asksOther(stage, begun.plan);
    const loaded = other
      ? await otherModel(begun.plan, engine.loaded, fingerprintOf)
      : await this.#loadedFor(begun);
    await this.#changing(async () => {
      const record = other ? await this.#noteWriter(id, loaded) : { id, ...begun };
      const lock = await this.#parts.liveRuns.claim('asking for a cold start', 'cold start');
      const work = { stage, stop: new AbortController() };
      this.#work = work;
      try {
        await this.#ask(record, loaded, work);
      } catch (error) {
        if (work.stop.signal.reason !== PAUSED) throw error;
      } finally {
        this.#work = undefined;
        lock.release();
      }
    });
    return this.#view(id);
  }

  /** See ColdStartCommands. */
  async pauseColdStart(): Promise<void> {
    this.#work?.stop.abort(PAUSED);
  }

  /** See ColdStartCommands. */
  async changeColdStart(change: ColdStartChange): Promise<ColdStartView> {
    const { id, plan } = await this.#current();
    const next = { ...plan, ...change };
    checkPlan(next);
    await this.#changing(() => this.#parts.store.update(id, { plan: next }));
    return this.#view(id);
  }

  /** See ColdStartCommands. */
  async readColdStartLook(index: number): Promise<ColdStartLook> {
    const { stages } = await this.#stages((await this.#current()).id);
    return lookView(chosenAt(stages, index), index, stages);
  }

  /** See ColdStartCommands. */
  async writeColdStartLook(index: number, text: string): Promise<ColdStartLook> {
    const { id } = await this.#current();
    const { stages } = await this.#stages(id);
    const { source, opening } = chosenAt(stages, index);
    const row = { problemId: source.id, opening, texts: [text.trim()] };
    await this.#changing(() => this.#parts.store.putTexts(id, 'hand', [row]));
    return this.readColdStartLook(index);
  }

  /** See ColdStartCommands. */
  async importColdStartLooks({ path, blob }: NamedFile): Promise<ImportedLooks> {
    if (blob.size > MAX_LOOKS_BYTES)
      throw new DataError('data/dataset-size', `${path} is larger than ${MAX_LOOKS_BYTES} bytes.`);
    const texts = readWrittenLines(await blob.text(), path);
    const { id } = await this.#current();
    const { stages } = await this.#stages(id);
    const { looks, unknown } = looksOfTexts(stages.opened, texts);
    const rows = [...looks.values()].map(
      ({ id: problemId, opening, texts: own }): StageTexts => ({ problemId, opening, texts: own }),
    );
    await this.#changing(() => this.#parts.store.putTexts(id, 'file', rows));
    return { taken: rows.length, unknown, view: await this.#view(id) };
  }

  /** See ColdStartCommands. */
  async exportColdStart(what: 'tasks' | 'examples'): Promise<Blob> {
    const { stages } = await this.#stages((await this.#current()).id);
    return what === 'tasks' ? tasksArchive(stages) : examplesArchive(stages);
  }

  /** See ColdStartCommands. */
  async saveColdStart(name: string): Promise<DatasetSummary> {
    const { id } = await this.#current();
    return this.#changing(async () => {
      const { record, stages } = await this.#stages(id);
      const { rows, judged, selection, sources } = stages;
      if (rows.length === 0)
        throw new DataError('data/dataset-empty', 'The mix holds no example: nothing to save.');
      const byId = new Map(sources.map((source) => [source.id, source]));
      const pictures = async function* () {
        for (const { id: problem, system = null, question, answer, response } of rows) {
          const image = await defined(byId.get(problem), problem).file();
          yield { image, imageName: problem, question, answer, response, system };
        }
      };
      const { plan, modelId, fingerprint } = record;
      const { source } = plan;
      const settings = originSettings(plan);
      const { rejected: _, ...counts } = coldStartReport(selection, judged, rows);
      const from = source.kind === 'dataset' ? source.name : null;
      const origin = { kind: 'cold-start', modelId, fingerprint, from, settings, counts } as const;
      const saved = await this.#parts.datasets.keepRows(name, pictures(), origin);
      await this.#parts.store.update(id, { savedAs: saved.name });
      return saved;
    });
  }

  /** See ColdStartCommands. */
  async deleteColdStart(): Promise<number> {
    return this.#changing(() => this.#parts.store.delete());
  }

  /** Asks the model for a stage, in its turn on the device, until it is whole. */
  async #ask(record: ColdStartRecord<ColdStartPlan>, loaded: Loaded<AskedModel>, work: Work): Promise<void> {
    const { turns } = this.#parts.engine;
    const { signal } = work.stop;
    const { stages, sources } = await this.#stages(record.id);
    let last: StageProgress = { done: 0, total: 0, secondsLeft: null };
    const tell = (fraction: number | null): void =>
      this.#parts.engine.emit({
        type: 'coldStartProgressed',
        work: { stage: work.stage, fraction, ...last },
      });
    const hooks: StageHooks = {
      signal,
      turn: () => turns.pass(),
      onPhase: (_, fraction) => tell(fraction),
      onProgress: (progress) => {
        last = progress;
        tell(null);
      },
    };
    const parts = {
      ...{ settings: record.plan, store: stageStore(record, this.#parts), hooks },
      open: (first: number) => this.#open(record.plan, loaded, work.stage, first),
    };
    const ask = () =>
      work.stage === 'rollouts' ? sampleProblems(sources, parts) : sampleLooks(stages.opened, parts);
    await turns.train(() => loaded.gpu.untilLost<unknown>(ask()), signal);
  }

  /** The model, for looks with the adapter that writes them; its own answers are always without. */
  async #open(
    plan: ColdStartPlan,
    loaded: Loaded<AskedModel>,
    stage: ModelStage,
    first: number,
  ): Promise<StageAnswers> {
    const { openAdapter, openAnswers } = this.#parts;
    const writer = writingAdapter(stage, plan);
    const adapter = writer === null ? null : await openAdapter(writer, loaded);
    return openAnswers?.(loaded.model, first, adapter) ?? new ModelAnswers(loaded.model, first, adapter);
  }

  /** Records whose weights write looks from here on. */
  async #noteWriter(id: string, loaded: Loaded<AskedModel>): Promise<ColdStartRecord<ColdStartPlan>> {
    const { store, fingerprintOf } = this.#parts;
    const { plan } = (await store.read(id)).record;
    return store.update(id, { plan: withFingerprint(plan, loaded.entry.id, await fingerprintOf(loaded)) });
  }

  /**
   * Runs what changes the cold start, after what this tab does already, while no other tab does.
   * @throws StorageError `storage/busy`
   */
  async #changing<T>(body: () => Promise<T>): Promise<T> {
    if (this.#work !== undefined) throw busyError('The model is being asked for answers');
    this.#waiting++;
    const result = this.#changes.then(async () => {
      const lock = await this.#parts.lock();
      if (lock === null) throw busyError('Another tab is at work on it');
      try {
        return await body();
      } finally {
        lock.release();
      }
    });
    this.#changes = result.catch(() => undefined);
    try {
      return await result;
    } finally {
      this.#waiting--;
      this.#parts.changed();
    }
  }

  async #view(id: string): Promise<ColdStartView> {
    const { record, stages } = await this.#stages(id);
    return viewOf(record, stages, await this.#atWork());
  }

  async #atWork(): Promise<ColdStartView['atWork']> {
    if (this.#work !== undefined) return 'here';
    if (this.#waiting > 0) return null;
    return (await this.#parts.isLocked()) ? 'elsewhere' : null;
  }

  async #stages(id: string): Promise<{
    readonly record: ColdStartRecord<ColdStartPlan>;
    readonly stages: ColdStartStages;
    readonly sources: readonly ProblemSource[];
  }> {
    const stored = await this.#parts.store.read(id);
    if (this.#held?.id !== id)
      this.#held = { id, stages: new StagesOf(await sourcesOf(stored.record.plan, this.#parts)) };
    const { stages } = this.#held;
    return { record: stored.record, stages: stages.of(stored), sources: stages.sources };
  }

  async #current(): Promise<ColdStartRecord<ColdStartPlan>> {
    const record = await this.#parts.store.current();
    if (record === null) throw new DataError('data/cold-start', 'There is no cold start: begin one first.');
    return record;
  }

  #loaded(): Loaded<AskedModel> {
    const { loaded } = this.#parts.engine;
    if (loaded === undefined) throw new DataError('data/model', 'A cold start asks a model: load one first.');
    return loaded;
  }

  /** The loaded model, which has to be the one that gave the answers so far. */
  async #loadedFor({
    modelId,
    fingerprint,
  }: Pick<ColdStartRecord, 'modelId' | 'fingerprint'>): Promise<Loaded<AskedModel>> {
    const { loaded } = this.#parts.engine;
    if (loaded?.entry.id === modelId && (await this.#parts.fingerprintOf(loaded)) === fingerprint)
      return loaded;
    const message = `This cold start asks the model "${modelId}", with the weights that it had: load it first.`;
    throw new DataError('data/cold-start', message, { modelId });
  }
}

function chosenAt({ opened }: ColdStartStages, index: number): OpenedChain {
  const one = opened[index];
  if (one === undefined) throw new ArgumentError(`There is no chosen chain ${index + 1}.`);
  return one;
}

function busyError(who: string): StorageError {
  return new StorageError('storage/busy', `${who}; this cold start cannot change meanwhile: pause it first.`);
}

/** @throws ArgumentError naming what cannot be done so */
function checkPlan(plan: ColdStartPlan): void {
  throwProblems(givenProblems(COLD_START_SETTINGS, settingsOf(plan)));
  if (plan.insert === 'oracle' && plan.source.kind === 'dataset')
    throw new ArgumentError('Only the built-in world writes looks by itself: choose another writer.', {
      key: 'insert',
    });
}
