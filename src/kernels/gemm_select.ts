// Which GEMM variant runs a shape: a measured table for software adapters, defaults for hardware.
// Not a tuner: it times nothing. Numbers behind the table: docs/kernels/gemm.md.
// Invariant: `selectVariant` always returns a member of `legalVariants`.

import type { DeviceTraits } from '../gpu/device';
import type { GemmOptions } from './gemm';

/** Largest M of the matrix-vector kernel: its sums live in registers. */
export const GEMV_MAX_ROWS = 8;

/** Register tile and workgroup of the kernel without workgroup memory. */
export interface DirectTile {
  readonly rows: number;
  readonly columns: number;
  readonly threadsX: number;
  readonly threadsY: number;
}

const DIRECT_NAME = /^direct_(\d+)x(\d+)_(\d+)x(\d+)$/;

/** Tile of a variant named `direct_ROWSxCOLUMNS_THREADSxTHREADS`, undefined for other names. */
export function directTile(variant: string): DirectTile | undefined {
  const match = DIRECT_NAME.exec(variant);
  if (!match) return undefined;
  const [rows = 0, columns = 0, threadsX = 0, threadsY = 0] = match.slice(1).map(Number);
  return { rows, columns, threadsX, threadsY };
}

const DIRECT = ['direct_4x4_8x8', 'direct_8x8_8x4'];
const DIRECT_FEW_ROWS = ['direct_1x4_32x1', 'direct_2x4_32x1'];

/** Every variant that can compute this product, best guess not first. */
export function legalVariants(o: GemmOptions, _traits: DeviceTraits): string[] {
  const names = [...DIRECT, 'tiled_32', 'tiled_64'];
  if (o.mode !== 'tn') names.push(...DIRECT_FEW_ROWS);
  if (o.mode === 'nt' && o.m <= GEMV_MAX_ROWS) names.push('gemv');
  return names;
}

/** The variant to run. */
export function selectVariant(o: GemmOptions, traits: DeviceTraits): string {
  return traits.software ? selectSoftware(o) : selectHardware(o);
}

function selectHardware(o: GemmOptions): string {
  if (o.mode === 'nt' && o.m <= GEMV_MAX_ROWS) return 'gemv';
  const groups = Math.ceil(o.m / 64) * Math.ceil(o.n / 64);
  return groups >= 64 ? 'tiled_64' : 'tiled_32';
}

function selectSoftware(o: GemmOptions): string {
  if (o.mode !== 'tn' && o.m <= 1) return 'direct_1x4_32x1';
  if (o.mode !== 'tn' && o.m <= 2) return 'direct_2x4_32x1';
  return 'direct_4x4_8x8';
}
