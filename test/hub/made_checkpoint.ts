// A random checkpoint in safetensors with the shapes of a Qwen2.5-VL model, of any size, whose bytes are made when they
// are asked for: nothing of it lies in memory or on disk.

import { createHash } from 'node:crypto';
import { parseModelConfig } from '../../src/model/config';
import { expectedShapes, LM_HEAD } from '../../src/model/weight_names';
import type { MadeFile } from './hub_server';

/** Bytes of a block; each is the same random values, begun at another place. */
const BLOCK_BYTES = 1 << 24;
/** Odd multiples of two bytes: every block of a file begins elsewhere, and values stay whole. */
const STEP_BYTES = 2 * 7919;

/** bf16 values of the size of weights, uniform in ±0.05, from a counter hash. */
function randomBlock(): Buffer {
  const values = Buffer.alloc(BLOCK_BYTES);
  const float = new Float32Array(1);
  const bits = new Uint32Array(float.buffer);
  let state = 1;
  for (let at = 0; at < BLOCK_BYTES; at += 2) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    float[0] = (state / 2 ** 32 - 0.5) * 0.1;
    values.writeUInt16LE((bits[0] ?? 0) >>> 16, at);
  }
  return values;
}

/** model.safetensors for a parsed config.json, all tensors bf16. Hashing takes some seconds for each gigabyte. */
export function madeCheckpoint(config: unknown): MadeFile {
  const spec = parseModelConfig(config);
  let offset = 0;
  const tensors: Record<string, unknown> = {};
  for (const [name, shape] of expectedShapes(spec)) {
    if (spec.tieWordEmbeddings && name === LM_HEAD) continue;
    const bytes = 2 * shape.reduce((a, b) => a * b, 1);
    tensors[name] = { dtype: 'BF16', shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  const json = Buffer.from(JSON.stringify(tensors));
  const header = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  header.writeBigUInt64LE(BigInt(header.length - 8));
  json.copy(header, 8);
  const base = randomBlock();
  const length = header.length + offset;
  const subarray = (begin: number, end: number): Uint8Array => {
    const bytes = Buffer.alloc(end - begin);
    let at = begin;
    while (at < end) {
      if (at < header.length) {
        at += header.copy(bytes, at - begin, at, Math.min(end, header.length));
        continue;
      }
      const data = at - header.length;
      const block = Math.floor(data / BLOCK_BYTES);
      const from = ((data % BLOCK_BYTES) + block * STEP_BYTES) % BLOCK_BYTES;
      const count = Math.min(end - at, BLOCK_BYTES - (data % BLOCK_BYTES), BLOCK_BYTES - from);
      at += base.copy(bytes, at - begin, from, from + count);
    }
    return bytes;
  };
  const hash = createHash('sha256');
  for (let at = 0; at < length; at += BLOCK_BYTES)
    hash.update(subarray(at, Math.min(length, at + BLOCK_BYTES)));
  return { length, sha256: hash.digest('hex'), subarray };
}
