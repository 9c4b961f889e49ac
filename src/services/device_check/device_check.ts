// Checks one device: kernels, then greedy answers of the built-in model, then speed; all in about a minute. What the
// Worker and the command line both run.

import type { GpuContext } from '../../gpu/device';
import type { DeviceCheckEvent, DeviceReport, GoldenAnswer } from '../../worker/protocol/device_check';
import { measureSpeed } from './device_speed';
import { sweepKernels } from './kernel_sweep';

/** Kernels may take so long; a software device compiles each for a good part of a second. */
const SWEEP_MS = 25_000;
/** Answers may take so long. */
const ANSWERS_MS = 20_000;
/** Measuring speed may take so long, and the measurement that is under way then. */
const SPEED_MS = 10_000;

/** What a check takes from where it runs. */
export interface DeviceCheckParts {
  /** Asks the goldens on the device; rejects with what to tell, or with its signal's reason. */
  answers(
    gpu: GpuContext,
    signal: AbortSignal,
    onProgress: (done: number, total: number) => void,
  ): Promise<readonly GoldenAnswer[]>;
  readonly onProgress: (event: DeviceCheckEvent) => void;
  /** Monotonic milliseconds. */
  now(): number;
  /** Milliseconds for the answers; 20,000 unless given. */
  readonly answersMs?: number;
  /** Milliseconds for the kernels; 25,000 unless given. */
  readonly sweepMs?: number;
}

function traitsOf({ traits }: GpuContext): DeviceReport['device'] {
  const { description, vendor, architecture, software, shaderF16, subgroups } = traits;
  const { maxBufferBytes, maxBindingBytes } = traits;
  return {
    ...{ description, vendor, architecture, software, shaderF16, subgroups },
    ...{ maxBufferBytes, maxBindingBytes },
  };
}

/** The answers, or why there are none; only the caller's signal and a lost device end the check. */
async function answersOf(
  gpu: GpuContext,
  parts: DeviceCheckParts,
  signal: AbortSignal,
): Promise<Pick<DeviceReport, 'answers' | 'answersLeftOut'>> {
  const limit = AbortSignal.timeout(parts.answersMs ?? ANSWERS_MS);
  try {
    const answers = await parts.answers(gpu, AbortSignal.any([signal, limit]), (done, total) =>
      parts.onProgress({ type: 'deviceCheckProgressed', phase: 'answers', done, total }),
    );
    return { answers, answersLeftOut: null };
  } catch (error) {
    signal.throwIfAborted();
    gpu.check();
    const reason = limit.aborted
      ? 'They took too long on this device.'
      : error instanceof Error
        ? error.message
        : String(error);
    return { answers: null, answersLeftOut: reason };
  }
}

/**
 * Checks the device. Variants that turn out wrong stay switched off on it.
 * @throws the signal's reason when aborted; GpuError when the device goes
 */
export async function checkDevice(
  gpu: GpuContext,
  parts: DeviceCheckParts,
  signal: AbortSignal,
): Promise<DeviceReport> {
  const { now } = parts;
  const began = now();
  const onProgress = (phase: DeviceCheckEvent['phase']) => (done: number, total: number) =>
    parts.onProgress({ type: 'deviceCheckProgressed', phase, done, total });
  const limitMs = parts.sweepMs ?? SWEEP_MS;
  const kernels = await sweepKernels(gpu, { signal, now, limitMs, onProgress: onProgress('kernels') });
  const answers = await answersOf(gpu, parts, signal);
  const speed = await measureSpeed(gpu, {
    ...{ signal, now, limitMs: SPEED_MS },
    onProgress: onProgress('speed'),
  });
  return { device: traitsOf(gpu), kernels, ...answers, speed, seconds: (now() - began) / 1000 };
}
