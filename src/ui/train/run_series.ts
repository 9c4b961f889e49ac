// Reads a run's steps as columns of numbers, metric by metric, for charts that are drawn anew at every step: a column is
// filled when it is first asked for, and from then on only with the steps that have arrived since.

import type { ShownRun } from '../../state/train_run';
import type { StepMetrics } from '../../worker/protocol/training';

/** Values by step; null where a metric was not measured or is no finite number. */
export type Column = readonly (number | null)[];

/** The columns of one run as of one moment; until the next {@link SeriesReader.read} of the same reader. */
export interface RunSeries {
  /** Steps, strictly increasing. */
  readonly steps: readonly number[];
  /** All metrics that any step has, in order of appearance. */
  readonly names: readonly string[];
  column(name: string): Column;
  /** The mean of each value and of the measured ones before it, `window` at most; null stays null. */
  means(name: string, window: number): Column;
}

/** A run without steps. */
export const NO_SERIES: RunSeries = { steps: [], names: [], column: () => [], means: () => [] };

/** A column that grows, with what its next mean needs. */
class GrowingMeans {
  readonly values: (number | null)[] = [];
  readonly #measured: number[] = [];
  readonly #window: number;
  #sum = 0;

  constructor(window: number) {
    this.#window = window;
  }

  take(from: Column): void {
    for (let at = this.values.length; at < from.length; at++) {
      const value = from[at] ?? null;
      if (value !== null) {
        this.#measured.push(value);
        this.#sum += value - (this.#measured.at(-1 - this.#window) ?? 0);
      }
      const count = Math.min(this.#window, this.#measured.length);
      this.values.push(value === null ? null : this.#sum / count);
    }
  }
}

/** The columns of a run whose steps only grow. */
class GrowingSeries implements RunSeries {
  readonly steps: number[] = [];
  readonly names: string[] = [];
  readonly #known = new Set<string>();
  readonly #columns = new Map<string, (number | null)[]>();
  readonly #means = new Map<string, GrowingMeans>();
  #metrics: readonly StepMetrics[] = [];

  /** Takes the steps after those that it has. */
  grow(metrics: readonly StepMetrics[]): void {
    this.#metrics = metrics;
    for (let at = this.steps.length; at < metrics.length; at++) {
      const { step, values } = metrics[at] as StepMetrics;
      this.steps.push(step);
      for (const name in values) this.#name(name);
    }
  }

  column(name: string): Column {
    const column = this.#columns.get(name) ?? [];
    this.#columns.set(name, column);
    for (let at = column.length; at < this.#metrics.length; at++) {
      const value = this.#metrics[at]?.values[name];
      column.push(value !== undefined && Number.isFinite(value) ? value : null);
    }
    return column;
  }

  means(name: string, window: number): Column {
    const key = `${window} ${name}`;
    const means = this.#means.get(key) ?? new GrowingMeans(window);
    this.#means.set(key, means);
    means.take(this.column(name));
    return means.values;
  }

  #name(name: string): void {
    if (this.#known.has(name)) return;
    this.#known.add(name);
    this.names.push(name);
  }
}

/** Reads one run after another as {@link RunSeries}; what was read is kept while the run only grows. */
export class SeriesReader {
  #series = new GrowingSeries();
  #run: Pick<ShownRun, 'metrics'> = { metrics: [] };

  /** The columns of the run as it is now. A new object each time, so that whoever compares sees that they changed. */
  read(run: Pick<ShownRun, 'metrics'>): RunSeries {
    const before = this.#run.metrics;
    const last = before.length - 1;
    const grown = run.metrics[last] === before[last];
    if (!grown) this.#series = new GrowingSeries();
    this.#run = run;
    const series = this.#series;
    series.grow(run.metrics);
    return {
      ...{ steps: series.steps, names: series.names },
      column: (name) => series.column(name),
      means: (name, window) => series.means(name, window),
    };
  }
}
