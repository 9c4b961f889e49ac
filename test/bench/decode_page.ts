// Runs the page half of the decode bench: makes one device and offers `measureDecode` to the driver outside
// (tools/bench_decode.ts), which waits for `decodeReady`.

import { acquireDevice } from '../../src/gpu/device';
import { memorySource } from '../../src/model/safetensors';
import type { ModelFiles } from '../../src/model/vision_language_model';
import { type DecodeOptions, type DecodeRow, measureDecode, randomModelFiles } from './decode';

declare global {
  interface Window {
    /** Measures a folder below `/models/`, or the random model for null. */
    measureDecode(
      folder: string | null,
      options: DecodeOptions,
    ): Promise<{ adapter: string; rows: DecodeRow[] }>;
    decodeReady: boolean;
  }
}

function served(folder: string): ModelFiles {
  return {
    name: folder,
    open: async (file) => {
      const response = await fetch(`/models/${folder}/${file}`);
      return response.ok ? memorySource(file, new Uint8Array(await response.arrayBuffer())) : null;
    },
  };
}

window.measureDecode = async (folder, options) => {
  const gpu = await acquireDevice();
  try {
    const files = folder === null ? randomModelFiles() : served(folder);
    return { adapter: gpu.traits.description, rows: await measureDecode(gpu, files, options) };
  } finally {
    gpu.destroy();
  }
};
window.decodeReady = true;
