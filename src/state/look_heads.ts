// Holds one token's attention in every layer and head, the part of it that is shown, and the command that fetches it.
// Reduces it as the recorded means are reduced: masses over heads first, shares of each layer, then the mean over layers.

import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import { type PlainError, plainError } from '../lib/plain_error';
import type { AttentionShares, HeadAttention } from '../worker/protocol/answers';
import type { Attended } from './attention_view';
import type { Look } from './look';

/** Numbers from 0; null is the mean of all. */
export interface HeadChoice {
  readonly layer: number | null;
  readonly head: number | null;
}

/** Values of {@link HeadAttention.masses} for a head. */
const MASSES = 4;
/** Every layer and every head. */
export const ALL: HeadChoice = { layer: null, head: null };

function chosen(count: number, one: number | null): number[] {
  return one === null ? Array.from({ length: count }, (_, at) => at) : [one];
}

function layerShares({ heads, masses }: HeadAttention, layer: number, among: readonly number[]) {
  const sum = (kind: number): number =>
    among.reduce((total, head) => total + (masses[(layer * heads + head) * MASSES + kind] ?? 0), 0);
  const total = sum(3);
  // A row that looks only before the image has no shares to speak of, as where they are recorded.
  const of = (kind: number): number => (total <= 0 ? 0 : sum(kind) / total);
  return { image: of(0), query: of(1), generated: of(2) };
}

/** Shares of a choice: the mean over its layers of the shares that its heads have together. */
export function sharesOfHeads(data: HeadAttention, { layer, head }: HeadChoice): AttentionShares {
  const layers = chosen(data.layers, layer);
  const among = chosen(data.heads, head);
  const each = layers.map((one) => layerShares(data, one, among));
  const mean = (name: keyof AttentionShares): number =>
    each.reduce((sum, shares) => sum + shares[name], 0) / layers.length;
  return { image: mean('image'), query: mean('query'), generated: mean('generated') };
}

/** Mean map of a choice. */
export function mapOfHeads(data: HeadAttention, { layer, head }: HeadChoice): Float32Array {
  const cells = data.maps.length / (data.layers * data.heads);
  const rows = chosen(data.layers, layer).flatMap((one) =>
    chosen(data.heads, head).map((other) => one * data.heads + other),
  );
  const sum = new Float64Array(cells);
  for (const row of rows)
    for (let cell = 0; cell < cells; cell++)
      sum[cell] = (sum[cell] ?? 0) + (data.maps[row * cells + cell] ?? 0);
  return Float32Array.from(sum, (value) => value / rows.length);
}

/** A choice in words; layers and heads count from 1, as people count. */
export function partWords({ layer, head }: HeadChoice): string {
  const layers = layer === null ? 'all layers' : `layer ${layer + 1}`;
  return `${layers}, ${head === null ? 'all heads' : `head ${head + 1}`}`;
}

/** One token in every layer and head. */
export interface HeadsShown {
  readonly answer: number;
  readonly step: number;
  readonly data: HeadAttention;
}

/** What the panel of layers and heads shows and does. */
export interface LookHeads {
  /** The step that can be looked at: the only one shown, of a closed answer of the loaded model; else null. */
  readonly step: ReadonlySignal<number | null>;
  /** What was fetched for that step; null where nothing was. */
  readonly shown: ReadonlySignal<HeadsShown | null>;
  readonly choice: ReadonlySignal<HeadChoice>;
  readonly busy: ReadonlySignal<boolean>;
  readonly error: ReadonlySignal<PlainError | null>;
  fetch(): Promise<void>;
  cancel(): void;
  choose(change: Partial<HeadChoice>): void;
  /** Shows what was recorded again. */
  dispose(): void;
}

function attended(data: HeadAttention, choice: HeadChoice): Attended {
  return { shares: sharesOfHeads(data, choice), map: mapOfHeads(data, choice), part: partWords(choice) };
}

/** Nothing is fetched before somebody asks for it. */
export function createLookHeads(
  look: Pick<Look, 'session' | 'shown' | 'attendByHead' | 'stop' | 'inspect'>,
): LookHeads {
  const fetched = signal<HeadsShown | null>(null);
  const choice = signal<HeadChoice>(ALL);
  const busy = signal(false);
  const error = signal<PlainError | null>(null);
  const step = computed(() => {
    const { answer, model } = look.session.value;
    const range = look.shown.value;
    const one = range !== null && range.from === range.to ? range.from : null;
    return answer?.status === 'finished' && answer.modelLabel === model?.entry.label ? one : null;
  });
  const shown = computed(() => {
    const own = fetched.value;
    return own?.answer === look.session.value.answer?.number && own?.step === step.value ? own : null;
  });
  const stopInspecting = effect(() => {
    const own = shown.value;
    const { layer, head } = choice.value;
    const part = own === null || (layer === null && head === null) ? null : own;
    look.inspect(
      part === null ? null : { ...attended(part.data, choice.value), answer: part.answer, step: part.step },
    );
  });
  return {
    ...{ step, shown, choice, busy, error },
    fetch: async () => {
      const wanted = step.value;
      const answer = look.session.value.answer?.number;
      if (wanted === null || answer === undefined || busy.value) return;
      busy.value = true;
      error.value = null;
      try {
        fetched.value = { answer, step: wanted, data: await look.attendByHead(wanted) };
      } catch (thrown) {
        const failed = plainError(thrown);
        if (failed.code !== 'engine/cancelled') error.value = failed;
      }
      busy.value = false;
    },
    cancel: () => void look.stop(),
    choose: (change) => {
      choice.value = { ...choice.value, ...change };
    },
    dispose: () => {
      stopInspecting();
      look.inspect(null);
    },
  };
}
