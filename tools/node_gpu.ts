// Gives command lines in Node what `navigator.gpu` is on a page: WebGPU over Dawn (npm `webgpu`); tools/run.mjs
// chooses the adapter through the environment before Node starts. The instance stays referenced for the life of the
// process, because Dawn crashes when it is collected early. While work is on the device, Dawn asks for news once per
// turn of the event loop. On a software adapter such a turn sleeps first, because asking without a pause keeps a core
// busy on which the adapter could compute (docs/results/train_bench.md has what that costs).

import { create, globals } from 'webgpu';

let instance: GPU | undefined;

/** Sleep before each time that Dawn asks for news, in milliseconds: far below what a step takes. */
const PAUSE_MS = 0.3;

/** The process's `GPU` object; also defines `GPUBufferUsage` and the other WebGPU globals. Safe to call twice. */
export function createNodeGpu(): GPU {
  if (!instance) {
    Object.assign(globalThis, globals);
    if (usesSoftwareDriver()) pauseNativeImmediates();
    instance = create([]);
  }
  return instance;
}

/** A graphics card computes by itself, and would only be heard of later. */
function usesSoftwareDriver(): boolean {
  const { VK_ICD_FILENAMES = '', VK_DRIVER_FILES = '' } = process.env;
  return /swiftshader|lvp_icd/i.test(VK_ICD_FILENAMES + VK_DRIVER_FILES);
}

/** Dawn schedules its next question by the global `setImmediate`, and its callbacks are known by having no source text. */
function pauseNativeImmediates(): void {
  const never = new Int32Array(new SharedArrayBuffer(4));
  const schedule = globalThis.setImmediate;
  const paused = (callback: (...values: unknown[]) => void, ...values: unknown[]): NodeJS.Immediate =>
    isNative(callback)
      ? schedule(() => {
          Atomics.wait(never, 0, 0, PAUSE_MS);
          callback(...values);
        })
      : schedule(callback, ...values);
  globalThis.setImmediate = Object.assign(paused, schedule) as typeof setImmediate;
}

function isNative(callback: unknown): boolean {
  return Function.prototype.toString.call(callback).endsWith('{ [native code] }');
}

/** The repository's folder, for the files a command line reads by default (models, fixtures). */
export function repositoryRoot(): string {
  const root = process.env.LOOKBACK_ROOT;
  if (!root)
    throw new Error('LOOKBACK_ROOT is not set: start this with `npm run`, which runs tools/run.mjs.');
  return root;
}
