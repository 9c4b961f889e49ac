// Serves the commands that check the device: one check at a time, on the device of the loaded model or on one of its own.
// A question or a load ends it; so does somebody who cancels it.

import type { GpuContext } from '../../gpu/device';
import { LookBackError } from '../../lib/errors';
import type { Reasoner } from '../../lookback/reasoner';
import type { DeviceCheckCommands, DeviceReport } from '../../worker/protocol/device_check';
import type { Engine } from '../answers/engine';

/** What checking needs. */
export interface DeviceCheckHostParts {
  readonly engine: Pick<Engine<Reasoner>, 'interlude' | 'device' | 'loaded'>;
  /** See `checkDevice` of device_check.ts. */
  check(gpu: GpuContext, signal: AbortSignal): Promise<DeviceReport>;
}

/** The commands. */
export class DeviceCheckHost implements DeviceCheckCommands {
  readonly #parts: DeviceCheckHostParts;
  #running: AbortController | null = null;

  constructor(parts: DeviceCheckHostParts) {
    this.#parts = parts;
  }

  /** See DeviceCheckCommands. */
  async checkDevice(): Promise<DeviceReport> {
    if (this.#running !== null)
      throw new LookBackError('engine/state', 'The device is being checked already.');
    const running = new AbortController();
    this.#running = running;
    try {
      return await this.#check(running.signal);
    } finally {
      this.#running = null;
    }
  }

  async #check(cancelled: AbortSignal): Promise<DeviceReport> {
    const { engine, check } = this.#parts;
    // Where no model could be loaded, the check may tell why.
    if (engine.loaded === undefined) {
      const gpu = await engine.device();
      return gpu.untilLost(check(gpu, cancelled));
    }
    return engine.interlude(({ gpu }, ended) =>
      gpu.untilLost(check(gpu, AbortSignal.any([ended, cancelled]))),
    );
  }

  /** See DeviceCheckCommands. */
  async cancelDeviceCheck(): Promise<void> {
    this.#running?.abort();
  }
}
