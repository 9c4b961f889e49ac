// Holds the state of the page's evaluations: the plan of the next one, the list of those that are kept, the one that is
// shown with its questions, and how far the running one is. The engine works everything out and keeps it; these are copies,
// fetched again whenever it says that they changed.

import { batch, type ReadonlySignal, signal } from '@preact/signals';
import { type PlainError, plainError } from '../lib/plain_error';
import { EVALUATION_PAGE_SETTINGS, type EvaluationSettingId } from '../settings/evaluation_settings';
import { defaultsOf } from '../settings/read_settings';
import { faultOf, type Setting, type SettingValue } from '../settings/setting';
import type { EngineClient } from '../worker/client';
import type {
  EvaluationFilter,
  EvaluationItems,
  EvaluationItemView,
  EvaluationPlan,
  EvaluationSide,
  EvaluationSource,
  EvaluationSummary,
  EvaluationView,
  EvaluationWork,
} from '../worker/protocol/evaluation';
import { coalesced } from './coalesced';

/** Which questions of the shown evaluation are listed. */
export interface ListedItems extends EvaluationItems {
  readonly filter: EvaluationFilter;
  readonly offset: number;
}

/** The page's state. Commands never throw: failures become `error`. */
export interface Evaluations {
  /** The plan of the next evaluation. */
  readonly draft: ReadonlySignal<EvaluationPlan>;
  /** Settings that hold something unusable, as typed. */
  readonly wrong: ReadonlySignal<ReadonlyMap<EvaluationSettingId, SettingValue>>;
  /** The newest first; null until it is known. */
  readonly list: ReadonlySignal<readonly EvaluationSummary[] | null>;
  /** The one that is shown; null while none is, or while it is fetched. */
  readonly shown: ReadonlySignal<EvaluationView | null>;
  readonly items: ReadonlySignal<ListedItems | null>;
  /** The question that is open. */
  readonly item: ReadonlySignal<EvaluationItemView | null>;
  /** How far the one that runs in this tab is. */
  readonly work: ReadonlySignal<EvaluationWork | null>;
  readonly error: ReadonlySignal<PlainError | null>;
  /** Fetches the list. */
  open(): Promise<void>;
  /** Shows one with its questions; null shows none. */
  show(id: string | null): Promise<void>;
  set(id: EvaluationSettingId, value: SettingValue): void;
  setSource(source: EvaluationSource): void;
  /** Changes a side, or takes the second one away. */
  setSide(at: number, side: EvaluationSide | null): void;
  /** Begins the draft and asks; resolves to its id as soon as it is recorded, and to null where it cannot be. */
  begin(): Promise<string | null>;
  run(id: string): Promise<void>;
  pause(): Promise<void>;
  listItems(filter: EvaluationFilter, offset: number): Promise<void>;
  /** Opens a question; null closes it. */
  openItem(index: number | null): Promise<void>;
  exportFile(form: 'json' | 'csv'): Promise<Blob | null>;
  discard(id: string): Promise<void>;
  dismiss(): void;
}

function draftOf() {
  const draft = signal<EvaluationPlan>({
    ...defaultsOf(EVALUATION_PAGE_SETTINGS),
    source: { kind: 'shapes_world' },
    sides: [{ adapter: null, mode: 'cot' }],
  });
  const wrong = signal<ReadonlyMap<EvaluationSettingId, SettingValue>>(new Map());
  return {
    ...{ draft, wrong },
    set: (id: EvaluationSettingId, value: SettingValue): void => {
      const setting: Setting = EVALUATION_PAGE_SETTINGS[id];
      const others = [...wrong.value].filter(([key]) => key !== id);
      const fault = faultOf(setting, value) !== null;
      wrong.value = new Map(fault ? [...others, [id, value]] : others);
      if (!fault) draft.value = { ...draft.value, [id]: value };
    },
    setSource: (source: EvaluationSource): void => {
      draft.value = { ...draft.value, source };
    },
    setSide: (at: number, side: EvaluationSide | null): void => {
      const sides = [...draft.value.sides];
      sides.splice(at, 1, ...(side === null ? [] : [side]));
      draft.value = { ...draft.value, sides };
    },
  };
}

/** The copies of what the engine has. */
function copies(client: EngineClient, error: { value: PlainError | null }) {
  const list = signal<readonly EvaluationSummary[] | null>(null);
  const shown = signal<EvaluationView | null>(null);
  const items = signal<ListedItems | null>(null);
  const item = signal<EvaluationItemView | null>(null);
  const work = signal<EvaluationWork | null>(null);
  /** What a person wants to see: outcomes of earlier wishes change nothing. */
  let wanted: string | null = null;
  const fetchItems = async (filter: EvaluationFilter, offset: number): Promise<void> => {
    const id = wanted;
    if (id === null) return;
    const found = await client.readEvaluationItems(id, filter, offset);
    if (wanted === id) items.value = { ...found, filter, offset };
  };
  const refresh = coalesced(async () => {
    try {
      list.value = await client.listEvaluations();
      const id = wanted;
      if (id === null || !list.value.some((one) => one.id === id)) {
        batch(() => {
          shown.value = null;
          items.value = null;
          item.value = null;
        });
        return;
      }
      const view = await client.readEvaluation(id);
      if (wanted !== id) return;
      shown.value = view;
      await fetchItems(items.value?.filter ?? 'all', items.value?.offset ?? 0);
    } catch (thrown) {
      list.value ??= [];
      error.value = plainError(thrown);
    }
  });
  client.listen((events) => {
    for (const event of events) {
      // Facts travel apart from results: one that comes after the end of its run says nothing any more.
      if (event.type === 'evaluationProgressed' && work.value !== null) work.value = event.work;
      // A page that never showed them has nothing to bring up to date.
      if (event.type === 'evaluationsChanged' && list.value !== null) void refresh();
    }
  });
  const want = (id: string | null): void => {
    if (id === wanted) return;
    wanted = id;
    batch(() => {
      shown.value = null;
      items.value = null;
      item.value = null;
    });
  };
  return { list, shown, items, item, work, refresh, fetchItems, want };
}

/** Runs commands one after another as they come, and keeps why the last one failed. */
function outcomes() {
  const error = signal<PlainError | null>(null);
  const dismiss = (): void => {
    error.value = null;
  };
  async function command<T>(body: () => Promise<T>): Promise<T | null> {
    dismiss();
    try {
      return await body();
    } catch (thrown) {
      error.value = plainError(thrown);
      return null;
    }
  }
  return { error, dismiss, command };
}

/** How many questions of all sides are done, and how many there are; at least one, so that it can be drawn. */
function doneOf(one: EvaluationSummary | undefined): [done: number, total: number] {
  if (one === undefined) return [0, 1];
  return [one.done.reduce((sum, own) => sum + own, 0), one.plan.count * one.plan.sides.length];
}

type Copies = ReturnType<typeof copies>;
type Command = ReturnType<typeof outcomes>['command'];

/** Commands about the one that is shown. */
function reading(client: EngineClient, { shown, item, fetchItems }: Copies, command: Command) {
  return {
    listItems: async (filter: EvaluationFilter, offset: number): Promise<void> => {
      await command(() => fetchItems(filter, offset));
    },
    openItem: async (index: number | null): Promise<void> => {
      const id = shown.value?.id;
      if (index === null || id === undefined) item.value = null;
      else {
        const found = await command(() => client.readEvaluationItem(id, index));
        if (found !== null && shown.value?.id === id) item.value = found;
      }
    },
    exportFile: (form: 'json' | 'csv') =>
      command(async () => client.exportEvaluation(shown.value?.id ?? '', form)),
  };
}

/** Makes the state over an engine's client. Nothing is fetched before {@link Evaluations.open}. */
export function createEvaluations(client: EngineClient): Evaluations {
  const { error, dismiss, command } = outcomes();
  const made = copies(client, error);
  const { list, shown, items, item, work, refresh, want } = made;
  const { draft, ...drafting } = draftOf();
  const run = async (id: string): Promise<void> => {
    if (work.value?.id !== id) {
      const [done, total] = doneOf(list.value?.find((one) => one.id === id));
      work.value = { id, side: 0, done, total, secondsLeft: null };
    }
    await command(() => client.runEvaluation(id));
    work.value = null;
    await refresh();
  };
  return {
    ...{ draft, list, shown, items, item, work, error, dismiss, run },
    ...drafting,
    ...reading(client, made, command),
    open: refresh,
    show: async (id) => {
      dismiss();
      want(id);
      await refresh();
    },
    begin: async () => {
      const begun = await command(() => client.beginEvaluation(draft.value));
      if (begun === null) return null;
      void run(begun.id);
      return begun.id;
    },
    pause: () => client.pauseEvaluation().catch(() => undefined),
    discard: async (id) => {
      await command(() => client.deleteEvaluation(id));
      await refresh();
    },
  };
}
