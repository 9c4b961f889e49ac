// Which GEMM variant runs a shape: a measured table for software adapters, defaults for hardware.
// Not a tuner: it times nothing. Numbers behind the table: docs/kernels/gemm.md.
// Invariant: `selectVariant` always returns a member of `legalVariants`.

import type { DeviceTraits } from '../gpu/device';
import type { GemmOptions } from './gemm';

/** Largest M of the matrix-vector kernel: its sums live in registers. */
export const GEMV_MAX_ROWS = 8;

/** Outputs of one thread and threads of a workgroup, for the kernels without workgroup memory. */
export interface RegisterTile {
  readonly family: 'direct' | 'quad';
  readonly rows: number;
  readonly columns: number;
  readonly threadsX: number;
  readonly threadsY: number;
}

const REGISTER_NAME = /^(direct|quad)_(\d+)x(\d+)_(\d+)x(\d+)$/;

/** Tile of a variant named `direct_ROWSxCOLUMNS_THREADSxTHREADS` or `quad_…`, undefined for other names. */
export function registerTile(variant: string): RegisterTile | undefined {
  const match = REGISTER_NAME.exec(variant);
  if (!match) return undefined;
  const [rows = 0, columns = 0, threadsX = 0, threadsY = 0] = match.slice(2).map(Number);
  return { family: match[1] === 'quad' ? 'quad' : 'direct', rows, columns, threadsX, threadsY };
}

const DIRECT_FEW_ROWS = ['direct_1x4_32x1', 'direct_2x4_32x1'];
const QUAD = ['quad_8x4_16x4', 'quad_8x4_4x1', 'quad_8x4_16x1', 'quad_16x4_4x1', 'quad_16x2_4x1','quad_8x2_4x1', 'quad_8x8_4x1'];
const QUAD_FEW_ROWS = ['quad_1x4_16x1', 'quad_2x4_16x1', 'quad_4x4_16x1', 'quad_1x4_4x1', 'quad_1x2_4x1', 'quad_1x8_4x1','quad_2x4_4x1','quad_4x4_4x1','quad_2x8_4x1','quad_4x8_4x1'];

/** Every variant that can compute this product, best guess not first. */
export function legalVariants(o: GemmOptions, traits: DeviceTraits): string[] {
  const names = ['direct_4x4_8x8', 'tiled_32', 'tiled_64'];
  if (o.mode !== 'tn' && o.m <= GEMV_MAX_ROWS) names.push(...DIRECT_FEW_ROWS);
  if (traits.software && traits.subgroups) {
    names.push(...QUAD);
    if (o.mode !== 'tn' && o.m <= GEMV_MAX_ROWS) names.push(...QUAD_FEW_ROWS);
  }
  if (o.mode === 'nt' && o.m <= GEMV_MAX_ROWS) names.push('gemv');
  return names;
}

/** The variant to run. */
export function selectVariant(o: GemmOptions, traits: DeviceTraits): string {
  const best = traits.software ? selectSoftware(o, traits.subgroups) : selectHardware(o);
  const works = (name: string): boolean => !traits.disabledVariants.has(`gemm/${name}`);
  return works(best) ? best : (legalVariants(o, traits).find(works) ?? best);
}

function selectHardware(o: GemmOptions): string {
  if (o.mode === 'nt' && o.m <= GEMV_MAX_ROWS) return 'gemv';
  const groups = Math.ceil(o.m / 64) * Math.ceil(o.n / 64);
  return groups >= 64 ? 'tiled_64' : 'tiled_32';
}

function selectSoftware(o: GemmOptions, subgroups: boolean): string {
  const few = o.mode !== 'tn';
  if (!subgroups) {
    if (few && o.m <= 2) return o.m === 1 ? 'direct_1x4_32x1' : 'direct_2x4_32x1';
    return 'direct_4x4_8x8';
  }
  if (few && o.m === 1) return 'quad_1x4_16x1';
  if (few && o.m === 2) return 'quad_2x4_16x1';
  if (few && o.m <= 4) return 'quad_4x4_16x1';
  return 'quad_8x4_16x4';
}
