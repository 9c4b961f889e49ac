// Text parameters of shaders/lib/attention_stream.wgsl, the body that prefill and decode attention share.
// Not a kernel. Invariant: the shapes stay within 256 invocations and 16 KiB of workgroup memory.

import type { DeviceTraits } from '../gpu/device';
import type { ShaderDefines } from '../gpu/shader_source';

/**
 * Tile of the streaming body.
 * @param entry    name of the entry point
 * @param rows     query vectors per workgroup, 1 to 4
 * @param headSize multiple of 4
 */
export function streamDefines(
  entry: string,
  rows: number,
  headSize: number,
  traits: DeviceTraits,
): ShaderDefines {
  // Every dimension of a head needs a thread; more threads split the keys.
  const lanes = Math.max(traits.software ? 32 : 64, headSize / 4);
  // Six sums per thread are reduced in the score tile.
  const chunk = Math.max(256, 6 * lanes);
  return {
    ENTRY: entry,
    ROWS: rows,
    LANES: lanes,
    KEYS: 4,
    CHUNK: chunk,
    HEAD_SIZE: headSize,
    HS4: headSize / 4,
    PARTS: lanes * rows,
    Q_LIST: Array.from({ length: rows }, (_, row) => `q_${row}`).join(', '),
  };
}

/**
 * Tile of the gradients' streaming body.
 * @param entry    name of the entry point
 * @param rows     tile vectors per workgroup, 1 to 4
 * @param headSize multiple of 4
 * @param second   whether the tile has two outputs
 */
export function backwardStreamDefines(
  entry: string,
  rows: number,
  headSize: number,
  second: boolean,
  traits: DeviceTraits,
): ShaderDefines {
  const lanes = Math.max(traits.software ? 32 : 64, headSize / 4);
  const list = (name: string): string =>
    Array.from({ length: rows }, (_, row) => `${name}_${row}`).join(', ');
  const steps = Array.from({ length: rows }, (_, row) => `${row}u`).join(', ');
  return {
    ENTRY: entry,
    ROWS: rows,
    LANES: lanes,
    KEYS: 4,
    // Two tiles of vectors, the chunk's scores twice and the threads' sums have to fit 16 KiB.
    CHUNK: 128,
    HEAD_SIZE: headSize,
    HS4: headSize / 4,
    PARTS: lanes * rows,
    SECOND: second,
    A_LIST: list('a'),
    B_LIST: list('b'),
    KEY_STEPS: rows === 1 ? '' : ` + RowsIndex(${steps})`,
  };
}
