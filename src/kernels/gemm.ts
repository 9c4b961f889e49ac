// Multiplies matrices with a fused epilogue: the one entry point for every linear layer and its gradients.
// gemm_select.ts chooses the variant for a shape; variants differ in speed and in summation order only.

import type { DeviceTraits } from '../gpu/device';
import { foldGrid, type KernelCall, MAX_GRID_DIMENSION, type OperandSpec } from '../gpu/kernel';
import type { ShaderDefines } from '../gpu/shader_source';
import { GpuError, ShapeError } from '../lib/errors';
import { checkBinding } from './check';
import { gemmCheck, smallOptions } from './gemm_check';
import { GEMV_MAX_ROWS, legalVariants, type RegisterTile, registerTile, selectVariant } from './gemm_select';
import { reads, shaderCall, writes } from './shader';
import {
  isQuantised,
  type WeightFormat,
  weightDefines,
  weightOperands,
  weightPlanes,
  weightRowBytes,
} from './weight_format';

/** Which operand is stored transposed: nn A[M,K] B[K,N]; nt A[M,K] B[N,K] (linear weights); tn A[K,M] B[K,N]. */
export type GemmMode = 'nn' | 'nt' | 'tn';

/** Activation of the epilogue, in Hugging Face's meaning (`gelu` is the exact one). */
export type GemmActivation = 'none' | 'silu' | 'gelu' | 'gelu_tanh' | 'quick_gelu';

/** The columns [first, first + size) of a matrix whose rows hold `line` elements; the size is that of the operand. */
export interface ColumnWindow {
  readonly line: number;
  readonly first: number;
}

/** C[M,N] = activation([C +] op(A) op(B) + bias[N]) + residual[M,N]. */
export interface GemmOptions {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly mode: GemmMode;
  /** Storage of B. */
  readonly weight: WeightFormat;
  readonly bias?: boolean;
  readonly activation?: GemmActivation;
  readonly residual?: boolean;
  /** Sums start at what C holds instead of zero: a product cut along K gives the bits of the whole one. */
  readonly accumulate?: boolean;
  /** A is columns of a wider matrix [M, line], in mode tn [K, line]. */
  readonly aWindow?: ColumnWindow | undefined;
  /** C is columns of a wider matrix [M, line], and so are the residual [M, line] and the bias [line]. */
  readonly cWindow?: ColumnWindow | undefined;
}

/**
 * One GEMM as one dispatch. Operands in binding order: A f32, B (`weight`; [N,K] in mode nt, else [K,N]),
 * [bias f32[N]], [residual f32[M,N]], C f32[M,N] (read_write). With a window the operand is the whole wider matrix.
 * @param variant one of `gemmVariants`; left out, the fastest known for this shape and device
 * @throws ShapeError for sizes that are not positive integers, a window outside its lines, packed B in mode tn,
 *   or a variant that is not legal here
 * @throws GpuError `gpu/limit` when an operand exceeds the device's largest binding or the grid its largest size
 */
export function gemm(options: GemmOptions, traits: DeviceTraits, variant?: string): KernelCall {
  check(options, traits);
  const name = variant ?? selectVariant(options, traits);
  if (variant !== undefined && !legalVariants(options, traits).includes(variant)) {
    throw new ShapeError(`GEMM variant ${variant} cannot compute ${label(options)}.`, { variant });
  }
  const small = smallOptions(options);
  return { ...build(options, name, traits), check: () => gemmCheck(small, name, build(small, name, traits)) };
}

function build(o: GemmOptions, variant: string, traits: DeviceTraits): KernelCall {
  if (variant === 'gemv') return gemv(o, traits);
  const tile = registerTile(variant);
  if (!tile) return gemmTiled(o, variant, traits);
  return tile.family === 'quad' ? gemmQuad(o, variant, tile, traits) : gemmDirect(o, variant, tile, traits);
}

/** The variant that runs a product when none is named. */
export function gemmVariant(options: GemmOptions, traits: DeviceTraits): string {
  return selectVariant(options, traits);
}

/** Names of the variants that can compute this product on this device, for tests, benches and tuning. */
export function gemmVariants(options: GemmOptions, traits: DeviceTraits): string[] {
  check(options, traits);
  return legalVariants(options, traits);
}

function label(o: GemmOptions): string {
  return `${o.mode} ${o.m}x${o.n}x${o.k} with ${o.weight} weights`;
}

function check(o: GemmOptions, traits: DeviceTraits): void {
  for (const [name, size] of [
    ['m', o.m],
    ['n', o.n],
    ['k', o.k],
  ] as const) {
    if (!Number.isInteger(size) || size < 1)
      throw new ShapeError(`GEMM ${name} is ${size}; it must be a positive integer.`);
  }
  if (o.mode === 'tn' && o.weight !== 'f32') {
    throw new ShapeError(`GEMM in mode tn multiplies activations; B cannot be ${o.weight}.`);
  }
  checkWindow('A', o.aWindow, lineOfA(o));
  checkWindow('C', o.cWindow, o.n);
  for (const operand of operandsOf(o)) checkBinding(`GEMM ${label(o)}`, operand, traits);
}

function checkWindow(operand: string, window: ColumnWindow | undefined, size: number): void {
  if (!window) return;
  const { line, first } = window;
  const whole = [line, first].every((value) => Number.isInteger(value) && value >= 0);
  if (whole && first + size <= line) return;
  throw new ShapeError(`GEMM: ${size} columns of ${operand} from ${first} do not lie in lines of ${line}.`);
}

/** Elements of a line of A as it is stored. */
function lineOfA({ mode, m, k }: GemmOptions): number {
  return mode === 'tn' ? m : k;
}

/** A, B, what is added, and C. */
function operandsOf(o: GemmOptions): OperandSpec[] {
  const aLine = o.aWindow?.line ?? lineOfA(o);
  const aLines = o.mode === 'tn' ? o.k : o.m;
  const cLine = o.cWindow?.line ?? o.n;
  return [
    reads('A', aLines * aLine),
    ...(o.mode === 'nt' ? weightOperands('B', o.weight, o.n, o.k) : weightOperands('B', o.weight, o.k, o.n)),
    ...(o.bias ? [reads('bias', cLine)] : []),
    ...(o.residual ? [reads('residual', o.m * cLine)] : []),
    writes('C', o.m * cLine),
  ];
}

/** Elements of the lines of A and C, their distance, and the first that counts. */
interface Lines {
  readonly size: number;
  readonly stride: number;
  readonly first: number;
  /** Quads are single loads and stores: everything above is in quads. */
  readonly quads: boolean;
}

function linesOf(size: number, window: ColumnWindow | undefined, quads: boolean): Lines {
  const { line, first } = window ?? { line: size, first: 0 };
  const vector = quads && size % 4 === 0 && line % 4 === 0 && first % 4 === 0;
  const unit = vector ? 4 : 1;
  return { size, stride: line / unit, first: first / unit, quads: vector };
}

/** Lines of B: their elements, and their distance in what one load takes. */
function storedB(o: GemmOptions, scalars: boolean): Pick<Lines, 'size' | 'stride' | 'quads'> {
  const size = o.mode === 'nt' ? o.k : o.n;
  if (isQuantised(o.weight)) {
    const [quants] = weightPlanes(o.weight, size);
    return { size, stride: quants?.columns ?? 0, quads: false };
  }
  const quads = !scalars && size % 4 === 0;
  return { size, stride: quads ? size / 4 : size, quads };
}

/** Everything but the tile: defines, operands and uniform that all shaders of the family share. */
function prepare(o: GemmOptions, stem: string) {
  const a = linesOf(lineOfA(o), o.aWindow, stem !== 'gemm_quad');
  const c = linesOf(o.n, o.cWindow, stem === 'gemm' || stem === 'gemm_tiled');
  const b = storedB(o, stem === 'gemm_quad' && o.mode !== 'nt');
  const operands = operandsOf(o);
  const at = (name: string): number => operands.findIndex((operand) => operand.name === name);
  const defines: Record<string, string | number | boolean> = {
    MODE: o.mode,
    ...weightDefines(o.weight),
    ACTIVATION: o.activation ?? 'none',
    ACCUMULATE: o.accumulate ?? false,
    BIAS: o.bias ?? false,
    RESIDUAL: o.residual ?? false,
    VEC_A: a.quads,
    VEC_B: b.quads,
    VEC_C: c.quads,
    K_ALIGNED: o.k % 4 === 0,
  };
  if (o.bias) defines.BIAS_BINDING = at('bias');
  if (o.residual) defines.RESIDUAL_BINDING = at('residual');
  defines.C_BINDING = at('C');
  defines.PARAMS_BINDING = operands.length;
  const sizes = [
    o.m,
    o.n,
    o.k,
    Math.ceil(o.k / 4),
    a.size,
    a.stride,
    a.first,
    b.size,
    b.stride,
    c.stride,
    c.first,
  ];
  return { defines, operands, params: sizes.map((u32) => ({ u32 })) };
}

function call(
  o: GemmOptions,
  stem: string,
  variant: string,
  tile: ShaderDefines,
  grid: readonly [number, number, number],
  traits: DeviceTraits,
): KernelCall {
  if (Math.max(...grid) > MAX_GRID_DIMENSION) {
    throw new GpuError('gpu/limit', `GEMM ${label(o)} needs a grid of ${grid.join('x')}; split its rows.`);
  }
  const { defines, operands, params } = prepare(o, stem);
  const weightBytes =
    o.mode === 'nt' ? o.n * weightRowBytes(o.weight, o.k) : o.k * weightRowBytes(o.weight, o.n);
  const passes = 1 + (o.residual ? 1 : 0) + (o.accumulate ? 1 : 0);
  return shaderCall(
    {
      stem,
      variant: `${variant}_${o.mode}_${o.weight}`,
      defines: { ...defines, ...tile },
      operands,
      params,
      grid,
      flops: 2 * o.m * o.n * o.k,
      bytes: 4 * (o.m * o.k + o.m * o.n * passes + (o.bias ? o.n : 0)) + weightBytes,
    },
    traits,
  );
}

function gemmDirect(o: GemmOptions, variant: string, t: RegisterTile, traits: DeviceTraits): KernelCall {
  const registers = { TM: t.rows, TM4: t.rows / 4, TN4: t.columns / 4, QUADS: (t.rows * t.columns) / 4 };
  const grid = [
    Math.ceil(o.n / (t.columns * t.threadsX)),
    Math.ceil(o.m / (t.rows * t.threadsY)),
    1,
  ] as const;
  return call(
    o,
    'gemm',
    variant,
    { ...registers, TN: t.columns, WGX: t.threadsX, WGY: t.threadsY },
    grid,
    traits,
  );
}

function gemmQuad(o: GemmOptions, variant: string, t: RegisterTile, traits: DeviceTraits): KernelCall {
  const registers = { TM: t.rows, TM4: t.rows / 4, TN2: t.columns / 2, OUTPUTS: t.rows * t.columns };
  const packed = o.weight === 'bf16' || o.weight === 'f16';
  const loads = { PAIR: o.mode !== 'nt' && packed && o.n % 2 === 0 };
  const grid = [
    Math.ceil(o.n / (t.columns * t.threadsX)),
    Math.ceil(o.m / (t.rows * t.threadsY)),
    1,
  ] as const;
  return call(
    o,
    'gemm_quad',
    variant,
    { ...registers, ...loads, WGX: t.threadsX, WGY: t.threadsY },
    grid,
    traits,
  );
}

function gemmTiled(o: GemmOptions, variant: string, traits: DeviceTraits): KernelCall {
  const size = variant === 'tiled_64' ? 64 : 32;
  const grid = [Math.ceil(o.n / size), Math.ceil(o.m / size), 1] as const;
  return call(o, 'gemm_tiled', variant, { BM: size, BN: size, BK: size / 4 }, grid, traits);
}

function gemv(o: GemmOptions, traits: DeviceTraits): KernelCall {
  // A software adapter runs the invocations of a workgroup one after another; fewer lanes, fewer barriers.
  const [lanes, rows] = traits.software ? [8, 8] : [32, 4];
  // Lanes store one row of C each.
  const count = Math.max(lanes, GEMV_MAX_ROWS);
  return call(
    o,
    'gemm_vector',
    `gemv_${o.m}`,
    { M: o.m, LANES: count, ROWS: rows },
    foldGrid(Math.ceil(o.n / rows)),
    traits,
  );
}
