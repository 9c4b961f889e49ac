// Checks the shapes, binding counts and operand places that the attention wrappers share.

import type { DeviceTraits } from '../gpu/device';
import type { OperandSpec } from '../gpu/kernel';
import { GpuError, ShapeError } from '../lib/errors';

/** Heads of an attention call. */
export interface HeadShape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
}

/** Largest head size of the attention kernels: what fits registers and 16 KiB of workgroup memory. */
export const MAX_HEAD_SIZE = 256;

/** The head size at which these kernels take heads of `headSize`: the next multiple of 4, filled up with zeros. */
export function paddedHeadSize(headSize: number): number {
  return 4 * Math.ceil(headSize / 4);
}

/** @throws ShapeError unless every named value is a positive integer */
export function checkPositive(op: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!Number.isInteger(value) || value < 1)
      throw new ShapeError(`${op}: ${name} must be a positive integer, got ${value}.`, values);
  }
}

/** @throws ShapeError when heads do not divide into kvHeads or headSize is not a multiple of 4 up to 256 */
export function checkHeads(op: string, { heads, kvHeads, headSize }: HeadShape): void {
  checkPositive(op, { heads, kvHeads, headSize });
  if (heads % kvHeads !== 0) {
    throw new ShapeError(`${op}: ${heads} heads cannot share ${kvHeads} key/value heads evenly.`, {
      heads,
      kvHeads,
    });
  }
  if (headSize % 4 !== 0 || headSize > MAX_HEAD_SIZE) {
    throw new ShapeError(
      `${op}: headSize ${headSize} must be a multiple of 4 up to ${MAX_HEAD_SIZE}; pad the heads with zeros.`,
      { headSize },
    );
  }
}

/** @throws GpuError `gpu/limit` when a call binds more storage buffers than the device has, with `advice` */
export function checkBindings(op: string, count: number, traits: DeviceTraits, advice: string): void {
  if (count > traits.maxStorageBuffers) {
    throw new GpuError(
      'gpu/limit',
      `${op} binds ${count} storage buffers; this device allows ${traits.maxStorageBuffers}. ${advice}`,
      { count },
    );
  }
}

/** Places in the map of image tokens, 0 without one. */
export function mapSizeOf(o: { readonly capture?: { readonly mapSize: number } }): number {
  return o.capture?.mapSize ?? 0;
}

/** Bindings of the attention shaders' optional operands, as text parameters; -1 for those that are absent. */
export function captureDefines(
  operands: readonly OperandSpec[],
  capture: boolean,
  map: boolean,
): Readonly<Record<string, number | boolean>> {
  const at = (name: string): number => operands.findIndex((operand) => operand.name === name);
  return {
    KEY_CLASS: at('keyClass'),
    OUT: at('out'),
    LSE_AT: at('lse'),
    MASSES: at('masses'),
    MAP_AT: at('map'),
    PARAMS: operands.length,
    CAPTURE: capture,
    MAP: map,
  };
}
