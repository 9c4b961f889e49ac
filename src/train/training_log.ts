// Writes the metrics of a run as text: one JSON object per line, or a table of comma-separated values. `step` comes
// first; a value that is not finite is null in JSON, which has no word for it, and a metric that a step lacks is an
// empty cell of the table.

/** Metrics of one step by name. */
export interface LoggedStep {
  readonly step: number;
  readonly values: Readonly<Record<string, number>>;
}

/** Whether a step was evaluated after it: every evaluation says how long it took. */
export function isEvaluated({ values }: LoggedStep): boolean {
  return 'eval_runtime' in values;
}

/** One line of the JSONL log, without its newline: `{"step":1,"loss":0.5,…}`. */
export function metricsLine({ step, values }: LoggedStep): string {
  return JSON.stringify({ step, ...values });
}

/** All steps as JSON lines. */
export function metricsJsonl(steps: readonly LoggedStep[]): string {
  return steps.map((step) => `${metricsLine(step)}\n`).join('');
}

/** All steps as a table (RFC 4180): a column per metric in order of first appearance; not finite as NaN, Infinity. */
export function metricsCsv(steps: readonly LoggedStep[]): string {
  const names = [...new Set(steps.flatMap(({ values }) => Object.keys(values)))];
  const rows = [
    ['step', ...names],
    ...steps.map(({ step, values }) => [String(step), ...names.map((name) => String(values[name] ?? ''))]),
  ];
  return rows.map((row) => `${row.map(quoted).join(',')}\r\n`).join('');
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
