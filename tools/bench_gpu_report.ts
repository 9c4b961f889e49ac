// Defines the results of the gpu bench, and tells them in words: a line for each row, and a summary of what fraction of its
// peak the device reached.

import type { GpuBenchRow, Yardsticks } from '../test/bench/gpu_rows';

/** What became of a part. */
export interface GpuPart {
  readonly name: string;
  readonly seconds: number;
  /** Why it has no rows, or not all of them; null where it ended well. */
  readonly failure: string | null;
  readonly rows: readonly GpuBenchRow[];
}

/** Everything that was measured. */
export interface GpuBenchReport {
  readonly date: string;
  readonly node: string;
  readonly size: 'full' | 'small';
  readonly device: {
    readonly description: string;
    readonly vendor: string;
    readonly architecture: string;
    readonly software: boolean;
    readonly shaderF16: boolean;
    readonly subgroups: boolean;
    readonly timestampQuery: boolean;
    readonly maxBufferBytes: number;
    readonly maxBindingBytes: number;
  };
  readonly seconds: number;
  readonly peak: Yardsticks | null;
  readonly parts: readonly GpuPart[];
  /** Lines for a reader. */
  readonly summary: readonly string[];
}

/** Three figures, without an exponent. */
const figure = (value: number): string => String(Number(value.toPrecision(3)));
const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

function rateOf({ gflops, gigabytes, bound }: GpuBenchRow): string {
  const arithmetic = gflops === null ? null : `${figure(gflops)} GFLOP/s`;
  const memory = gigabytes === null ? null : `${figure(gigabytes)} GB/s`;
  return (bound === 'memory' ? (memory ?? arithmetic) : (arithmetic ?? memory)) ?? '';
}

/** A row on one line. */
export function formatRow(row: GpuBenchRow): string {
  const { name, milliseconds, share, bound, tokensPerSecond, note } = row;
  const columns = [
    name.padEnd(40),
    `${figure(milliseconds)} ms`.padStart(12),
    rateOf(row).padStart(16),
    (share === null ? '' : `${percent(share)} of ${bound}`).padStart(20),
    (tokensPerSecond === null ? '' : `${figure(tokensPerSecond)} tokens/s`).padStart(18),
  ];
  return `${columns.join(' ')}${note ? `  ${note}` : ''}`;
}

/** Least and largest share of a part's rows. */
function sharesOf(rows: readonly GpuBenchRow[]): string | null {
  const shares = rows.flatMap(({ share }) => (share === null ? [] : [share]));
  if (shares.length === 0) return null;
  const [least, most] = [Math.min(...shares), Math.max(...shares)];
  return least === most ? percent(most) : `${percent(least)} to ${percent(most)}`;
}

/** Products whose chosen kernel is not the fastest. */
function slowChoices(rows: readonly GpuBenchRow[]): number {
  return rows.filter(({ note }) => note.includes('is chosen, in')).length;
}

/** What the results come to. */
export function summaryOf(parts: readonly GpuPart[], peak: Yardsticks | null): string[] {
  const lines: string[] = [];
  if (peak) {
    const { copyGigabytes, fmaGflops } = peak;
    lines.push(
      `peak: copies ${figure(copyGigabytes)} GB/s, multiply-adds ${figure(fmaGflops / 1000)} TFLOP/s in f32`,
    );
  }
  for (const { name, failure, rows } of parts) {
    if (name === 'yardsticks' && failure === null) continue;
    const shares = sharesOf(rows);
    const rates = rows.flatMap(({ tokensPerSecond }) =>
      tokensPerSecond === null ? [] : [figure(tokensPerSecond)],
    );
    const told = [
      shares === null ? '' : `${shares} of the peak that bounds it`,
      rates.length === 0 ? '' : `${rates.join(', ')} tokens/s`,
      name === 'variants' && rows.length > 0
        ? `the chosen kernel is not the fastest in ${slowChoices(rows)} of ${rows.length}`
        : '',
      failure === null ? '' : `failed: ${failure}`,
    ];
    lines.push(`${name}: ${told.filter((text) => text !== '').join('; ')}`);
  }
  return lines;
}
