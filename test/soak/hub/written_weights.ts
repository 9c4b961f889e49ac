// Loads a model's weights by the product's own code and hashes everything that is written to the device, with its places,
// and the model's small files. Two loads with one digest put the same model on the device, bit for bit.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { GpuContext } from '../../../src/gpu/device';
import { openCheckpoint } from '../../../src/model/checkpoint';
import { parseModelConfig } from '../../../src/model/config';
import { type ModelFiles, readModelJson } from '../../../src/model/vision_language_model';
import { ModelWeights } from '../../../src/model/weights';

/** Files beside the weights that a digest covers, where they are there. */
const SMALL_FILES = ['config.json', 'generation_config.json', 'preprocessor_config.json', 'tokenizer.json'];

/** SHA-256 in hexadecimal of what a load onto `gpu` writes, matrices in int4 and int8; the weights are freed again. */
export async function writtenWeights(files: ModelFiles, gpu: GpuContext): Promise<string> {
  const written = sha256.create();
  const note = (text: string): void => void written.update(new TextEncoder().encode(text));
  for (const name of SMALL_FILES) {
    const source = await files.open(name);
    if (source === null) continue;
    note(`${name};${source.size};`);
    written.update(await source.read(0, source.size));
  }
  const write: GpuContext['write'] = (buffer, offset, bytes) => {
    gpu.write(buffer, offset, bytes);
    note(`${offset};`);
    written.update(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  };
  const spec = parseModelConfig(await readModelJson(files, 'config.json'));
  const checkpoint = await openCheckpoint(files);
  const weights = await ModelWeights.load({ ...gpu, write }, spec, checkpoint, { precision: 'int4' });
  weights.destroy();
  return bytesToHex(written.digest());
}
