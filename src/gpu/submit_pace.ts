// Says how much work one submit to a device may hold, so that the page, a pause and the browser's watchdog are never kept waiting
// for long, and a fast device is not kept waiting by many small ones. It begins with a pessimistic guess and follows what submits take.

import type { KernelCall } from './kernel';

/** Work of which even a slow device of its kind does one unit in the time that a submit may take. */
const UNIT = {
  hardware: { flops: 2e10, bytes: 4e9 },
  software: { flops: 1e9, bytes: 1e9 },
} as const;

/**
 * Milliseconds that a submit is meant to take: half of the 100 that one may take (1,000 on software adapters), as two are in flight
 * and the next one may hold dearer work.
 */
const TARGET_MS = { hardware: 50, software: 450 } as const;

/** A submit that went faster than it was meant to says little about the next one's kernels: the share grows step by step. */
const LARGEST_GROWTH = 2;
const SMALLEST_SHARE = 1 / 16;

/** How much work a submit to one device may hold. */
export class SubmitPace {
  readonly #kind: 'hardware' | 'software';
  #share = 1;

  constructor(software: boolean) {
    this.#kind = software ? 'software' : 'hardware';
  }

  /** Work of one dispatch in units; what bounds it, arithmetic or memory, counts. */
  workOf({ flops, bytes }: Pick<KernelCall, 'flops' | 'bytes'>): number {
    const unit = UNIT[this.#kind];
    return Math.max(flops / unit.flops, bytes / unit.bytes);
  }

  /** Units that a submit may hold; a dispatch that is larger has one of its own. */
  get share(): number {
    return this.#share;
  }

  /**
   * Takes note of what a submit took. Small ones are passed over: mostly they measure the way there and back.
   * @param work units of its dispatches
   * @param ms   from the end of the submit before it, or from its own start where the device had nothing to do
   */
  observe(work: number, ms: number): void {
    if (work < this.#share / 2) return;
    const right = (work * TARGET_MS[this.#kind]) / Math.max(ms, 0.1);
    this.#share = Math.max(SMALLEST_SHARE, Math.min(right, LARGEST_GROWTH * this.#share));
  }
}
