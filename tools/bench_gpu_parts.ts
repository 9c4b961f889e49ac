// Runs the parts of the gpu bench one after another. What a part throws, and a part that takes too long, is recorded with the rows
// that it had until then, and the next one goes on, on another device where the last one was lost.

import type { GpuContext } from '../src/gpu/device';
import type { GpuBenchRow, GpuBenchRun, GpuBenchSizes, Yardsticks } from '../test/bench/gpu_rows';
import { formatRow, type GpuPart } from './bench_gpu_report';
import { log } from './command_line';

/** A part before it ran. */
export interface PlannedPart {
  readonly name: string;
  /** Seconds after which it is stopped; those of all parts are less than ten minutes. */
  readonly seconds: number;
  measure(run: GpuBenchRun): Promise<unknown>;
}

/** Where devices come from. */
interface DeviceSource {
  /** One that works, as far as is known. */
  current(): Promise<GpuContext>;
}

/** Parts one after another, within the time that is left. */
export class GpuBench {
  readonly parts: GpuPart[] = [];
  peak: Yardsticks | null = null;
  readonly #devices: DeviceSource;
  readonly #sizes: GpuBenchSizes;
  readonly #deadline: number;
  readonly #signal: AbortSignal;

  constructor(devices: DeviceSource, sizes: GpuBenchSizes, minutes: number, signal: AbortSignal) {
    this.#devices = devices;
    this.#sizes = sizes;
    this.#deadline = performance.now() + 60_000 * minutes;
    this.#signal = signal;
  }

  /** @throws the signal's reason when the caller aborts; nothing that a part throws */
  async measure({ name, seconds, measure }: PlannedPart): Promise<void> {
    this.#signal.throwIfAborted();
    const began = performance.now();
    // Timers take whole milliseconds.
    const left = Math.floor(Math.max(0, Math.min(1000 * seconds, this.#deadline - began)));
    const limit = AbortSignal.timeout(left);
    const rows: GpuBenchRow[] = [];
    const add = (row: GpuBenchRow): void => {
      rows.push(row);
      log(formatRow(row));
    };
    log(`== ${name}`);
    let failure: string | null = null;
    try {
      if (left === 0) throw new Error('There was no time left for it.');
      const signal = AbortSignal.any([this.#signal, limit]);
      const gpu = await this.#devices.current();
      await measure({ gpu, sizes: this.#sizes, peak: this.peak, signal, add });
      await gpu.fence();
    } catch (error) {
      failure = limit.aborted ? `It took more than ${Math.round(left / 1000)} s.` : textOf(error);
      log(`failed: ${failure}`);
    }
    this.parts.push({ name, seconds: (performance.now() - began) / 1000, failure, rows });
    this.#signal.throwIfAborted();
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
