// Serves the commands of evaluations: begins one, asks its sides wave by wave in their turn on the device, and reads, lists,
// exports and deletes what is kept. Every wave is stored as it ends, so that a closed page loses at most the wave in hand
// and the evaluation goes on from there.

import { ArgumentError, DataError, LookBackError } from '../../lib/errors';
import { itemAt } from '../../lib/invariant';
import type { SceneOutcome } from '../../lookback/evaluation';
import { type EvaluatedModel, evaluateItems } from '../../lookback/evaluation_run';
import type { LoraAdapter } from '../../model/lora';
import {
  EVALUATION_PAGE_SETTINGS,
  EVALUATION_SETTINGS,
  lookPossible,
} from '../../settings/evaluation_settings';
import { ADAPTER_SETTINGS } from '../../settings/generation_settings';
import { givenProblems, throwProblems } from '../../settings/read_settings';
import type { EvaluationStore, StoredOutcome } from '../../storage/evaluation_store';
import type { EvaluationRecord } from '../../storage/records';
import type {
  EvaluationCommands,
  EvaluationFilter,
  EvaluationItems,
  EvaluationItemView,
  EvaluationPlan,
  EvaluationSummary,
  EvaluationView,
} from '../../worker/protocol/evaluation';
import type { AdapterShelf } from '../answers/adapter_shelf';
import type { Engine, EngineModel, Loaded } from '../answers/engine';
import type { DatasetLibrary } from '../library/dataset_library';
import { busy, type LiveRuns } from '../training/live_runs';
import { evaluationArchive, evaluationTable } from './evaluation_export';
import { evaluationItems, itemPicture, type SourceParts } from './evaluation_source';
import { itemsOf, type KeptEvaluation, questionsOf, rowOf, summaryOf, viewOf } from './evaluation_view';

/** A loaded model that can be evaluated. */
export type EvaluableModel = EngineModel &
  EvaluatedModel & {
    setAdapter(adapter: LoraAdapter | null): void;
    closeSession(): void;
  };

/** What the host needs. */
export interface EvaluationParts extends SourceParts {
  readonly engine: Pick<Engine<EvaluableModel>, 'loaded' | 'turns' | 'emit'>;
  readonly store: Pick<
    EvaluationStore<EvaluationPlan, SceneOutcome>,
    'list' | 'read' | 'begin' | 'append' | 'delete'
  >;
  readonly datasets: Pick<DatasetLibrary, 'storedRow' | 'rowCount'>;
  readonly shelf: Pick<AdapterShelf, 'adapterFor'>;
  readonly liveRuns: Pick<LiveRuns, 'claim'>;
  fingerprintOf(loaded: Loaded): Promise<string>;
  /** Called when what is stored changed. */
  changed(): void;
  createId(): string;
  /** Milliseconds since 1970, and on a clock that never runs backwards. */
  date(): number;
  now(): number;
}

interface Work {
  readonly id: string;
  readonly stop: AbortController;
  readonly began: number;
  /** Questions that were done with since it began. */
  asked: number;
  /** When the page was last told that what is kept changed. */
  told: number;
}

const PAUSED = 'paused by the person';
/** Figures are worked out anew no more often than this while waves come in, in milliseconds. */
const TELL_EVERY = 1000;

/** One host per engine. Its methods are the page's commands; they reject with LookBackErrors. */
export class EvaluationHost implements EvaluationCommands {
  readonly #parts: EvaluationParts;
  #work: Work | undefined;
  /** What was read last: reading thousands of outcomes for every wave would take longer than the wave. */
  #held: KeptEvaluation | undefined;

  constructor(parts: EvaluationParts) {
    this.#parts = parts;
  }

  /** Throws `train/busy` while the model is asked: it must stay. */
  checkRelease(): void {
    if (this.#work !== undefined) throw busy('here', 'another model', 'evaluation');
  }

  /** See EvaluationCommands. */
  async listEvaluations(): Promise<readonly EvaluationSummary[]> {
    return (await this.#parts.store.list()).map(summaryOf);
  }

  /** See EvaluationCommands. */
  async beginEvaluation(plan: EvaluationPlan): Promise<EvaluationView> {
    const { engine, store, datasets, createId, date, fingerprintOf, changed } = this.#parts;
    const { loaded } = engine;
    if (loaded === undefined)
      throw new DataError('data/model', 'An evaluation asks a model: load one first.');
    checkPlan(plan, loaded);
    const { source } = plan;
    const rows = source.kind === 'dataset' ? await datasets.rowCount(source.datasetId) : plan.count;
    if (rows === 0) throw new DataError('data/dataset-empty', 'The dataset has no rows: add some first.');
    const start = {
      ...{ id: createId(), plan: { ...plan, count: Math.min(plan.count, rows) } },
      ...{ modelId: loaded.entry.id, device: loaded.gpu.traits.description },
      ...{ fingerprint: await fingerprintOf(loaded), createdAt: date() },
    };
    await store.begin(start, plan.sides.length);
    changed();
    return this.readEvaluation(start.id);
  }

  /** See EvaluationCommands. */
  async runEvaluation(id: string): Promise<EvaluationView> {
    const { liveRuns, changed, now } = this.#parts;
    const { record } = await this.#read(id);
    const loaded = await this.#loadedFor(record);
    const lock = await liveRuns.claim('the evaluation', 'evaluation');
    const work: Work = { id, stop: new AbortController(), began: now(), asked: 0, told: now() };
    this.#work = work;
    // Another tab may have gone on with it before the lock was free.
    this.#held = undefined;
    try {
      for (const side of record.plan.sides.keys()) await this.#runSide(work, side, loaded);
    } catch (error) {
      if (work.stop.signal.reason !== PAUSED) throw error;
    } finally {
      this.#work = undefined;
      if (!loaded.gpu.isLost()) loaded.model.closeSession();
      lock.release();
      changed();
    }
    return this.readEvaluation(id);
  }

  /** See EvaluationCommands. */
  async pauseEvaluation(): Promise<void> {
    this.#work?.stop.abort(PAUSED);
  }

  /** See EvaluationCommands. */
  async readEvaluation(id: string): Promise<EvaluationView> {
    return viewOf(await this.#read(id));
  }

  /** See EvaluationCommands. */
  async readEvaluationItems(id: string, filter: EvaluationFilter, offset: number): Promise<EvaluationItems> {
    return itemsOf(await this.#read(id), filter, offset);
  }

  /** See EvaluationCommands. */
  async readEvaluationItem(id: string, index: number): Promise<EvaluationItemView> {
    const kept = await this.#read(id);
    const outcomes = questionsOf(kept).find((row) => row.some((outcome) => outcome?.index === index)) ?? [];
    const row = rowOf(outcomes);
    if (row === null) throw new ArgumentError(`Question ${index} has no answer yet.`);
    const picture = await itemPicture(kept.record.plan, index, this.#parts);
    const { image, imageName } = picture;
    return {
      ...{ ...row, image, imageName },
      texts: outcomes.map((outcome) => outcome?.text ?? null),
      shares: outcomes.map((outcome) => outcome?.shares ?? []),
    };
  }

  /** See EvaluationCommands. */
  async exportEvaluation(id: string, form: 'json' | 'csv'): Promise<Blob> {
    const kept = await this.#read(id);
    return form === 'json' ? evaluationArchive(kept) : evaluationTable(kept);
  }

  /** See EvaluationCommands. */
  async deleteEvaluation(id: string): Promise<number> {
    if (this.#work?.id === id)
      throw new LookBackError('train/busy', 'This evaluation is asking the model: pause it first.', {
        where: 'here',
      });
    const freed = await this.#parts.store.delete(id);
    this.#held = undefined;
    this.#parts.changed();
    return freed;
  }

  /** Asks what is left of one side. @throws the signal's reason when it was paused */
  async #runSide(work: Work, side: number, loaded: Loaded<EvaluableModel>): Promise<void> {
    const { engine, now } = this.#parts;
    const { signal } = work.stop;
    const { record, sides } = await this.#read(work.id);
    const { plan } = record;
    const known = new Set(itemAt(sides, side).map(({ index }) => index));
    const items = await evaluationItems(plan, (index) => !known.has(index), this.#parts, signal);
    this.#tell(work, side, record);
    const { mode, look = EVALUATION_SETTINGS.look.default } = itemAt(plan.sides, side);
    let began = now();
    const hooks = {
      onBegin: async () => {
        await engine.turns.pass();
        // An answer in between may have put another adapter before the model.
        await this.#apply(itemAt(plan.sides, side).adapter, loaded);
        began = now();
      },
      onWave: async (
        outcomes: readonly SceneOutcome[],
        left: readonly { readonly item: { readonly index: number } }[],
      ) => {
        const rows: StoredOutcome<SceneOutcome>[] = [
          ...outcomes.map((outcome) => ({ index: outcome.index, outcome })),
          ...left.map(({ item }) => ({ index: item.index, outcome: null })),
        ];
        await this.#keep(work, side, rows, (now() - began) / 1000);
      },
    };
    const ask = () => evaluateItems(loaded.model, items, { ...plan, mode, look, signal }, hooks);
    await engine.turns.train(() => loaded.gpu.untilLost(ask()), signal);
    signal.throwIfAborted();
  }

  async #keep(
    work: Work,
    side: number,
    rows: readonly StoredOutcome<SceneOutcome>[],
    seconds: number,
  ): Promise<void> {
    const { store, changed, now } = this.#parts;
    const record = await store.append(work.id, side, rows, seconds);
    if (this.#held?.record.id === work.id) {
      const sides = this.#held.sides.map((own, at) => (at === side ? [...own, ...rows] : own));
      this.#held = { record, sides };
    }
    work.asked += rows.length;
    this.#tell(work, side, record);
    if (now() - work.told < TELL_EVERY) return;
    work.told = now();
    changed();
  }

  #tell(work: Work, side: number, { plan, done }: EvaluationRecord<EvaluationPlan>): void {
    const total = plan.count * plan.sides.length;
    const sum = done.reduce((all, own) => all + own, 0);
    const each = work.asked === 0 ? null : (this.#parts.now() - work.began) / 1000 / work.asked;
    const secondsLeft = each === null ? null : each * (total - sum);
    this.#parts.engine.emit({
      type: 'evaluationProgressed',
      work: { id: work.id, side, done: sum, total, secondsLeft },
    });
  }

  async #apply(
    wanted: EvaluationPlan['sides'][number]['adapter'],
    loaded: Loaded<EvaluableModel>,
  ): Promise<void> {
    if (wanted === null) return loaded.model.setAdapter(null);
    const adapter = await this.#parts.shelf.adapterFor(wanted.id, loaded);
    adapter.setStrength(wanted.strength);
    loaded.model.setAdapter(adapter);
  }

  async #read(id: string): Promise<KeptEvaluation> {
    if (this.#held?.record.id === id && this.#work?.id === id) return this.#held;
    const kept = await this.#parts.store.read(id);
    this.#held = kept;
    return kept;
  }

  /** The loaded model, which has to be the one that gave the answers so far. */
  async #loadedFor(record: EvaluationRecord<EvaluationPlan>): Promise<Loaded<EvaluableModel>> {
    const { modelId, fingerprint } = record;
    const { loaded } = this.#parts.engine;
    if (loaded?.entry.id === modelId && (await this.#parts.fingerprintOf(loaded)) === fingerprint)
      return loaded;
    const message = `This evaluation asks the model "${modelId}", with the weights that it had: load it first.`;
    throw new DataError('data/evaluation', message, { modelId });
  }
}

/** @throws ArgumentError naming what cannot be evaluated so */
function checkPlan(
  { source: _, sides, ...settings }: EvaluationPlan,
  { model, entry }: Loaded<EvaluableModel>,
) {
  throwProblems(givenProblems(EVALUATION_PAGE_SETTINGS, settings));
  if (sides.length < 1 || sides.length > 2) throw new ArgumentError('An evaluation has one side or two.');
  for (const { adapter, mode, look = EVALUATION_SETTINGS.look.default } of sides) {
    throwProblems(givenProblems(EVALUATION_SETTINGS, { look }));
    if (!lookPossible(look, settings.temperature))
      throw new ArgumentError(
        'Looks are replaced in greedy answers alone: set the temperature to 0, or keep the model’s own looks.',
        { key: 'look' },
      );
    if (adapter !== null) throwProblems(givenProblems(ADAPTER_SETTINGS, { strength: adapter.strength }));
    if (model.prompts.modes[mode] === undefined)
      throw new ArgumentError(`${entry.label} knows no mode "${mode}": choose another.`, { key: 'mode' });
  }
}
