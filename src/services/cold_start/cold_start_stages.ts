// Works out what the stages of a stored cold start have come to: which answers there are, what is chosen of them, which
// looks are written, what passes the filter, and what the mix holds. Graded answers and the oracle's looks are kept from
// one time to the next, as they cannot change. Stages that ask a model are kept through here.

import {
  type KeptLook,
  type OpenedChain,
  openChains,
  oracleLooks,
  writtenFor,
} from '../../lookback/cold_start/insertion';
import {
  type ColdStartRow,
  type JudgedLooks,
  judgeLooks,
  mixRows,
  type WrittenLooks,
} from '../../lookback/cold_start/judged_examples';
import type { KeptAnswers, KeptRows, StageStore } from '../../lookback/cold_start/model_stages';
import { type ProblemSource, problemOf } from '../../lookback/cold_start/problem_source';
import { type SampledProblem, sampledProblem } from '../../lookback/cold_start/rollouts';
import { type Selection, selectChains } from '../../lookback/cold_start/selection';
import type {
  ColdStartStore,
  StageTexts,
  StoredColdStart,
  WriterStage,
} from '../../storage/cold_start_store';
import type { ColdStartRecord } from '../../storage/records';
import type { ColdStartPlan } from '../../worker/protocol/cold_start';

/** Every stage of a cold start. */
export interface ColdStartStages {
  readonly sources: readonly ProblemSource[];
  /** The problems that were asked. */
  readonly sampled: readonly SampledProblem[];
  readonly selection: Selection;
  readonly opened: readonly OpenedChain[];
  readonly written: WrittenLooks;
  readonly judged: JudgedLooks;
  readonly rows: readonly ColdStartRow[];
}

/** Rows of a stage of looks as the stages read them. */
function keptLooks(rows: readonly StageTexts[]): Map<string, KeptLook> {
  return new Map(
    rows.map(({ problemId: id, opening, texts }) => [id, { id, opening: opening ?? '', texts }]),
  );
}

/** Rows of the stage of answers as the stages read them. */
function keptAnswers(rows: readonly StageTexts[]): Map<string, KeptAnswers> {
  return new Map(rows.map(({ problemId: id, texts }) => [id, { id, texts }]));
}

/** The stages of one cold start. */
export class StagesOf {
  readonly #sources: readonly ProblemSource[];
  readonly #byId: ReadonlyMap<string, ProblemSource>;
  readonly #graded = new Map<string, SampledProblem>();
  #oracle = new Map<string, KeptLook>();
  #last: { readonly revision: number; readonly stages: ColdStartStages } | undefined;

  constructor(sources: readonly ProblemSource[]) {
    this.#sources = sources;
    this.#byId = new Map(sources.map((source) => [source.id, source]));
  }

  /** The problems. */
  get sources(): readonly ProblemSource[] {
    return this.#sources;
  }

  /** What a stored state comes to. */
  of(stored: StoredColdStart<ColdStartPlan>): ColdStartStages {
    const { record, texts } = stored;
    if (this.#last?.revision === record.revision) return this.#last.stages;
    const { plan } = record;
    const answers = keptAnswers(texts.rollouts);
    const sampled = this.#sources.flatMap((source) => this.#grade(source, answers, plan.rollouts) ?? []);
    const selection = selectChains(sampled, plan);
    const opened = openChains(selection.looks, this.#byId, plan.position);
    const hand = { writer: 'hand', looks: keptLooks(texts.hand) } as const;
    const others = plan.insert === 'oracle' ? this.#oracleLooks(opened, plan) : looksOf(stored);
    const written = plan.insert === 'hand' ? [hand] : [hand, { writer: plan.insert, looks: others }];
    const judged = judgeLooks(opened, written);
    const rows = mixRows(judged.rows, selection, plan);
    const stages = { sources: this.#sources, sampled, selection, opened, written, judged, rows };
    this.#last = { revision: record.revision, stages };
    return stages;
  }

  /** The problem with its answers; undefined while it was not asked. */
  #grade(
    source: ProblemSource,
    answers: ReadonlyMap<string, KeptAnswers>,
    rollouts: number,
  ): SampledProblem | undefined {
    const own = answers.get(source.id);
    const known = this.#graded.get(source.id);
    if (own === undefined || known !== undefined) return known;
    const graded = sampledProblem(problemOf(source), own.texts, rollouts);
    this.#graded.set(source.id, graded);
    return graded;
  }

  #oracleLooks(opened: readonly OpenedChain[], { position }: ColdStartPlan): Map<string, KeptLook> {
    const fresh = opened.filter((one) => !writtenFor(one, this.#oracle));
    this.#oracle = new Map([...this.#oracle, ...oracleLooks(fresh, position)]);
    return this.#oracle;
  }
}

/** Looks of the writer that is chosen, but of the oracle and by hand. */
function looksOf(stored: StoredColdStart<ColdStartPlan>): Map<string, KeptLook> {
  const { plan } = stored.record;
  return keptLooks(plan.insert === 'file' ? stored.texts.file : textsOf(stored, modelStage(plan)));
}

/** Where looks lie that a model writes: by itself, with the adapter that is chosen, or another model that is. */
function modelStage({ insert, writer, writerModel }: ColdStartPlan): 'self' | WriterStage {
  if (insert === 'model') return `model:${writerModel?.id ?? ''}`;
  return insert === 'adapter' ? `adapter:${writer?.id ?? ''}` : 'self';
}

/** The store of the stages that ask a model, over the database; every wave that is kept is told. */
export function stageStore(
  { id, plan }: ColdStartRecord<ColdStartPlan>,
  {
    store,
    changed,
  }: {
    readonly store: Pick<ColdStartStore<ColdStartPlan>, 'read' | 'putTexts'>;
    readonly changed: () => void;
  },
): StageStore {
  const own = modelStage(plan);
  return {
    read: async <S extends keyof KeptRows>(stage: S) => {
      const stored = await store.read(id);
      const rows =
        stage === 'rollouts' ? keptAnswers(stored.texts.rollouts) : keptLooks(textsOf(stored, own));
      return rows as Map<string, KeptRows[S]>;
    },
    append: async (stage, rows) => {
      const texts = rows.map((row): StageTexts => {
        return { problemId: row.id, opening: 'opening' in row ? row.opening : null, texts: row.texts };
      });
      await store.putTexts(id, stage === 'rollouts' ? stage : own, texts);
      changed();
    },
  };
}

/** What lies in a stage of looks that a model wrote. */
function textsOf(
  { texts, writers }: StoredColdStart<ColdStartPlan>,
  stage: 'self' | WriterStage,
): readonly StageTexts[] {
  return stage === 'self' ? texts.self : (writers.get(stage) ?? []);
}
