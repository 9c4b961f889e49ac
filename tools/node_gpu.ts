// Gives command lines in Node what `navigator.gpu` is on a page: WebGPU over Dawn (npm `webgpu`); tools/run.mjs
// chooses the adapter through the environment before Node starts. The instance stays referenced for the life of the
// process, because Dawn crashes when it is collected early.

import { create, globals } from 'webgpu';

let instance: GPU | undefined;

/** The process's `GPU` object; also defines `GPUBufferUsage` and the other WebGPU globals. Safe to call twice. */
export function createNodeGpu(): GPU {
  if (!instance) {
    Object.assign(globalThis, globals);
    instance = create([]);
  }
  return instance;
}

/** The repository's folder, for the files a command line reads by default (models, fixtures). */
export function repositoryRoot(): string {
  const root = process.env.LOOKBACK_ROOT;
  if (!root)
    throw new Error('LOOKBACK_ROOT is not set: start this with `npm run`, which runs tools/run.mjs.');
  return root;
}
