// A range of a GPU buffer. Plain data: owning and destroying the buffer is its maker's business.

/** Bytes [offset, offset + bytes) of `buffer`; `offset` is a multiple of 256 wherever it is bound. */
export interface BufferRegion {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly bytes: number;
}

/** WebGPU's default minimum alignment of storage and uniform binding offsets, which every device allows. */
export const BINDING_ALIGNMENT = 256;

/** Rounds up to a multiple of `alignment`. */
export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}
