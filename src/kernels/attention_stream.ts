// Chooses variants of attention, and the text parameters of the bodies that prefill and decode share. The shapes stay
// within 256 invocations and 16 KiB of workgroup memory.

import type { DeviceTraits } from '../gpu/device';
import type { ShaderDefines } from '../gpu/shader_source';

/**
 * `direct`: a thread per tile, no barriers. `stream`: a workgroup per tile, whose threads share out keys and dimensions
 * through workgroup memory.
 */
export type AttentionVariant = 'direct' | 'stream';

/** Every variant; each runs on every device, for tests and benches. */
export const ATTENTION_VARIANTS: readonly AttentionVariant[] = ['direct', 'stream'];

/** The variant for a device: software adapters suspend every subgroup at a barrier, which outweighs the arithmetic. */
export function attentionVariant(traits: DeviceTraits): AttentionVariant {
  const [best, other] = traits.software ? (['direct', 'stream'] as const) : (['stream', 'direct'] as const);
  return traits.disabledVariants.has(`attention/${best}`) ? other : best;
}

/** Keys per step of the stream bodies: software adapters run them in tests only, and compile fewer faster. */
function streamKeys(traits: DeviceTraits): number {
  return traits.software ? 2 : 4;
}

/** Head size that a pipeline is made for: sizes up to it share the pipeline, as loops run to the real one. */
export function headSizeClass(headSize: number): number {
  return [32, 64, 128].find((size) => headSize <= size) ?? 256;
}

/**
 * Tile of the streaming body.
 * @param entry    name of the entry point
 * @param rows     query vectors per workgroup, 1 to 4
 * @param headSize largest head size of the pipeline, see headSizeClass
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
    STREAM: true,
    ENTRY: entry,
    ROWS: rows,
    LANES: lanes,
    KEYS: streamKeys(traits),
    CHUNK: chunk,
    HEAD_SIZE: headSize,
    PARTS: lanes * rows,
    Q_LIST: names('q', rows),
  };
}

/**
 * Tile of the body without shared memory: one thread per tile.
 * @param entry    name of the entry point
 * @param rows     query vectors per thread, 1 to 4
 * @param headSize largest head size of the pipeline, see headSizeClass
 */
export function directDefines(entry: string, rows: number, headSize: number): ShaderDefines {
  const keys = 4;
  return {
    STREAM: false,
    ENTRY: entry,
    ROWS: rows,
    KEYS: keys,
    THREADS: DIRECT_THREADS,
    PARTS: (rows * headSize) / 4,
    Q_LIST: names('q', rows),
    P_LIST: names('p', keys),
    S_LIST: names('s', keys),
  };
}

/** Threads of a direct workgroup: one subgroup of the usual software adapter, so that cores share evenly. */
export const DIRECT_THREADS = 4;

/** What a workgroup (stream) or a thread (direct) of the gradients owns. */
interface BackwardTile {
  readonly rows: number;
  readonly headSize: number;
  /** Whether the tile has two outputs. */
  readonly second: boolean;
  /** Heads of exactly `headSize` and, in the direct variant, a body without loops over them. */
  readonly unrolled: boolean;
}

/**
 * Tile of the gradients' bodies.
 * @param entry    name of the entry point
 * @param rows     tile vectors per workgroup (stream) or thread (direct), 1 to 4
 * @param headSize largest head size of the pipeline, see headSizeClass
 * @param second   whether the tile has two outputs
 */
export function backwardDefines(
  entry: string,
  variant: AttentionVariant,
  { rows, headSize, second, unrolled }: BackwardTile,
  traits: DeviceTraits,
): ShaderDefines {
  const stream = variant === 'stream';
  const lanes = Math.max(traits.software ? 32 : 64, headSize / 4);
  return {
    STREAM: stream,
    UNROLLED: !stream && unrolled,
    ENTRY: entry,
    ROWS: rows,
    LANES: lanes,
    THREADS: DIRECT_THREADS,
    VECTORS: headSize / 4,
    KEYS: stream ? streamKeys(traits) : unrolled ? 2 : 4,
    // Two tiles of vectors, the chunk's scores twice and the threads' sums have to fit 16 KiB.
    CHUNK: 128,
    HEAD_SIZE: headSize,
    PARTS: stream ? lanes * rows : (rows * headSize) / 4,
    SECOND: second,
    A_LIST: names('a', rows),
    B_LIST: names('b', rows),
    KEY_STEPS: rows === 1 ? '' : ` + RowsIndex(${names('', rows)})`,
  };
}

/** `name_0, name_1, …`, or plain `0u, 1u, …` without a name. */
function names(name: string, count: number): string {
  return Array.from({ length: count }, (_, index) => (name ? `${name}_${index}` : `${index}u`)).join(', ');
}
