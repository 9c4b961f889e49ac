// Decides whose turn it is on the device: a training step's, or that of the answers that people wait for, which go
// first. Training offers its turn between submits; no answer runs while a step holds the device, and no step goes on
// while an answer runs or waits.

import { untilAborted } from '../../lib/interruption';

/** One device shared by training and answers. */
export class GpuTurns {
  /** The step that holds or passes the device. */
  #step: symbol | null = null;
  #training = false;
  #answers = 0;
  #waiting: (() => void)[] = [];

  /**
   * Runs a step once no answer wants the device, and holds the device meanwhile. One at a time.
   * @throws the signal's reason when it is aborted while it waits
   */
  async train<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    while (this.#answers > 0) await this.#change(signal);
    const step = Symbol('step');
    this.#step = step;
    this.#training = true;
    try {
      return await work();
    } finally {
      this.#step = null;
      this.#training = false;
      this.#changed();
    }
  }

  /** Called within {@link GpuTurns.train} between submits: lets every answer that waits run to its end. */
  async pass(): Promise<void> {
    const step = this.#step;
    if (this.#answers === 0 || step === null) return;
    this.#training = false;
    this.#changed();
    while (this.#answers > 0) await this.#change();
    // A step that was given up meanwhile takes nothing back.
    if (this.#step === step) this.#training = true;
  }

  /**
   * Runs an answer when training passes.
   * @throws the signal's reason when it is aborted while it waits
   */
  async answer<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    this.#answers++;
    try {
      while (this.#training) await this.#change(signal);
      return await work();
    } finally {
      this.#answers--;
      this.#changed();
    }
  }

  /** Waits for the next change; callers look again and act without another wait between. */
  async #change(signal?: AbortSignal): Promise<void> {
    await untilAborted(new Promise<void>((resolve) => this.#waiting.push(resolve)), signal);
  }

  #changed(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
