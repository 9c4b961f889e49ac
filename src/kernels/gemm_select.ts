// Chooses which GEMM variant runs a shape: by a measured table on software adapters, by defaults on hardware. The
// numbers behind the table are in docs/kernels/gemm.md. `selectVariant` always returns a member of `legalVariants`.

import type { DeviceTraits } from '../gpu/device';
import type { GemmOptions } from './gemm';
import { isQuantised } from './weight_format';

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
const QUAD_FEW_ROWS = ['quad_1x8_4x1', 'quad_2x8_4x1', 'quad_4x8_4x1'];
/** Columns of a quad at two per thread: narrower products would leave half of a wider tile empty. */
const NARROW_COLUMNS = 8;

/**
 * A tile that loads and unpacks less for each multiplication and takes a second to compile: only products of so many operations
 * as a software adapter does in half a second get it, where it was found faster. Its sums have the bits of the others'.
 */
const WIDE_TILE = 'quad_16x8_4x1';
const WIDE_OPERATIONS = 2 ** 29;
/** Of fewer rows too many would lie past the last. */
const WIDE_ROWS = 64;

function isWide({ m, n, k, mode, weight }: GemmOptions): boolean {
  const gains = mode === 'nn' || (mode === 'nt' && isQuantised(weight));
  return gains && m >= WIDE_ROWS && 2 * m * n * k >= WIDE_OPERATIONS;
}

/** Every variant that can compute this product on this device, in no order of speed; the first is the fallback. */
export function legalVariants(o: GemmOptions, traits: DeviceTraits): string[] {
  const names = ['direct_4x4_8x8', 'tiled_32', 'tiled_64'];
  const fewRows = o.mode !== 'tn' && o.m <= GEMV_MAX_ROWS;
  if (fewRows) names.push(...DIRECT_FEW_ROWS);
  if (traits.software && traits.subgroups && !crossesGroups(o)) {
    names.push('quad_8x4_4x1');
    if (o.n <= NARROW_COLUMNS) names.push('quad_16x2_4x1');
    if (isWide(o)) names.push(WIDE_TILE);
    if (fewRows) names.push(...QUAD_FEW_ROWS);
  }
  if (o.mode === 'nt' && o.m <= GEMV_MAX_ROWS) names.push('gemv');
  return names;
}

/** The variant to run: the fastest known, or the first legal one that was not found wrong on this device. */
export function selectVariant(o: GemmOptions, traits: DeviceTraits): string {
  const best = selectFastest(o, traits);
  const works = (name: string): boolean => !traits.disabledVariants.has(`gemm/${name}`);
  return works(best) ? best : (legalVariants(o, traits).find(works) ?? best);
}

function selectFastest(o: GemmOptions, traits: DeviceTraits): string {
  if (!traits.software) return selectHardware(o);
  return traits.subgroups && !crossesGroups(o) ? selectQuad(o) : selectDirect(o);
}

/** In mode nn the threads of a quad load single elements of B; to unpack a group for each would cost more than it saves. */
function crossesGroups({ mode, weight }: GemmOptions): boolean {
  return mode === 'nn' && isQuantised(weight);
}

function selectHardware(o: GemmOptions): string {
  if (o.mode === 'nt' && o.m <= GEMV_MAX_ROWS) return 'gemv';
  const groups = Math.ceil(o.m / 64) * Math.ceil(o.n / 64);
  return groups >= 64 ? 'tiled_64' : 'tiled_32';
}

function selectDirect(o: GemmOptions): string {
  if (o.mode === 'tn' || o.m > 2) return 'direct_4x4_8x8';
  return o.m === 1 ? 'direct_1x4_32x1' : 'direct_2x4_32x1';
}

function selectQuad(o: GemmOptions): string {
  if (o.mode !== 'tn') {
    if (o.m === 1) return 'quad_1x8_4x1';
    if (o.m === 2) return 'quad_2x8_4x1';
    if (o.m <= 4) return 'quad_4x8_4x1';
  }
  if (isWide(o)) return WIDE_TILE;
  return o.n <= NARROW_COLUMNS && o.m > 8 ? 'quad_16x2_4x1' : 'quad_8x4_4x1';
}
