// Holds a check of the device for the page: how far it is, what came of it, and why it ended early.

import { type ReadonlySignal, signal } from '@preact/signals';
import { type PlainError, plainError } from '../lib/plain_error';
import type { EngineClient } from '../worker/client';
import type { DeviceCheckEvent, DeviceReport } from '../worker/protocol/device_check';

/** How far a check is; `total` is 0 until the first event. */
export type CheckProgress = Pick<DeviceCheckEvent, 'phase' | 'done' | 'total'>;

/** The state and its commands. Commands never throw: failures become `error`. */
export interface DeviceCheck {
  /** Null while none goes on. */
  readonly progress: ReadonlySignal<CheckProgress | null>;
  readonly report: ReadonlySignal<DeviceReport | null>;
  /** True when a question or a load ended it. */
  readonly overtaken: ReadonlySignal<boolean>;
  readonly error: ReadonlySignal<PlainError | null>;
  start(): Promise<void>;
  cancel(): void;
}

/** Makes the state. */
export function createDeviceCheck(
  client: Pick<EngineClient, 'listen' | 'checkDevice' | 'cancelDeviceCheck'>,
): DeviceCheck {
  const progress = signal<CheckProgress | null>(null);
  const report = signal<DeviceReport | null>(null);
  const [overtaken, error] = [signal(false), signal<PlainError | null>(null)];
  let cancelled = false;
  client.listen((events) => {
    const event = events.findLast((one) => one.type === 'deviceCheckProgressed');
    if (event !== undefined && progress.value !== null) progress.value = event;
  });
  const ended = (thrown: unknown): void => {
    const plain = plainError(thrown);
    if (plain.code === 'engine/cancelled') overtaken.value = !cancelled;
    else error.value = plain;
  };
  return {
    ...{ progress, report, overtaken, error },
    start: async () => {
      if (progress.value !== null) return;
      cancelled = false;
      [overtaken.value, error.value, report.value] = [false, null, null];
      progress.value = { phase: 'kernels', done: 0, total: 0 };
      report.value = await client.checkDevice().catch((thrown: unknown) => {
        ended(thrown);
        return null;
      });
      progress.value = null;
    },
    cancel: () => {
      cancelled = true;
      client.cancelDeviceCheck().catch(() => undefined);
    },
  };
}
