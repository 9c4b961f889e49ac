// Computes the linear layers of a decode step with everything around them in one dispatch: RMSNorm before, bias, residual or
// SwiGLU behind, and the low-rank updates of an adapter, whose first halves one dispatch per input computes. Software
// adapters run a body without barriers, which leaves updates to kernels of their own.

import type { DeviceTraits } from '../gpu/device';
import {
  foldGrid,
  type KernelCall,
  type KernelCheck,
  type OperandSpec,
  type ParamValue,
} from '../gpu/kernel';
import { ShapeError } from '../lib/errors';
import { itemAt } from '../lib/invariant';
import { checkDimensions } from './check';
import { checkValues, storedMatrix } from './gemm_check';
import { GEMV_MAX_ROWS } from './gemm_select';
import { orMore, reads, shaderCall, touching, writes } from './shader';
import {
  isQuantised,
  type WeightFormat,
  weightDefines,
  weightOperands,
  weightPlanes,
  weightRowBytes,
} from './weight_format';

/** Most low-rank updates of one projection: query, key and value. */
export const FUSED_MODULES = 3;

/** Name under which a wrong kernel is disabled; the layers then run unfused. */
export const FUSED_VARIANT = 'fused_gemv';

/** One low-rank update of a projection, with its matrices in the adapter's arena. */
export interface FusedModule {
  /** Columns of the projection that it changes, from `first` on. */
  readonly first: number;
  readonly columns: number;
  readonly rank: number;
  /** First elements of A [rank, K] and B [columns, rank]; that of A a multiple of 4. */
  readonly a: number;
  readonly b: number;
  readonly scale: number;
}

/** The updates of a projection. */
export interface FusedLora {
  /** Elements of the adapter's arena. */
  readonly arena: number;
  readonly modules: readonly FusedModule[];
}

/** What surrounds a product. */
export interface FusedGemvOptions {
  /** Rows, up to 8; columns of the weight; its width, a multiple of 4. */
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly weight: WeightFormat;
  /** RMSNorm of the input, with this epsilon. */
  readonly norm?: { readonly eps: number } | undefined;
  readonly bias?: boolean;
  readonly residual?: boolean;
  /** The columns are gates, then as many ups: half as many results, without a residual. */
  readonly gated?: boolean;
  readonly lora?: FusedLora | undefined;
}

/** Whether {@link fusedGemv} can compute a product. */
export function fusesGemv({ m, n, k, weight, lora, gated = false }: FusedGemvOptions): boolean {
  const packed = weight === 'f32' || isQuantised(weight) || k % 4 === 0;
  const modules = lora?.modules ?? [];
  const aligned = modules.every(({ a }) => a % 4 === 0);
  return (
    m <= GEMV_MAX_ROWS &&
    k % 4 === 0 &&
    packed &&
    aligned &&
    modules.length <= FUSED_MODULES &&
    (!gated || n % 2 === 0)
  );
}

function ranks({ modules }: FusedLora): number {
  return modules.reduce((sum, { rank }) => sum + rank, 0);
}

function outputsOf({ n, gated }: FusedGemvOptions): number {
  return gated ? n / 2 : n;
}

function checkOptions(o: FusedGemvOptions): void {
  checkDimensions('fusedGemv', { m: o.m, n: o.n, k: o.k });
  if (!fusesGemv(o))
    throw new ShapeError(`fusedGemv cannot compute ${o.m}x${o.n}x${o.k} with ${o.weight} weights.`);
  if (o.gated && o.residual) throw new ShapeError('fusedGemv: a gated projection takes no residual.');
}

function operandsOf(o: FusedGemvOptions): OperandSpec[] {
  const { m, n, k, lora } = o;
  const matrices = lora?.modules.reduce((sum, { columns, rank }) => sum + columns * rank, 0) ?? 0;
  return [
    reads('x', m * k),
    ...weightOperands('weight', o.weight, n, k),
    ...(o.norm ? [reads('gain', k)] : []),
    ...(o.bias ? [reads('bias', n)] : []),
    ...(o.residual ? [reads('residual', m * n)] : []),
    ...(lora ? [reads('u', m * ranks(lora)), touching(orMore(reads('arena', lora.arena)), matrices)] : []),
    writes('c', m * outputsOf(o)),
  ];
}

/**
 * c = y + residual, or silu(gates of y) · ups of y, where y = norm(x) Wᵀ + bias + Σ u Bᵀ. Operands in binding order:
 * x f32[M, K], weight [N, K] in its planes, [gain f32[K]], [bias f32[N]], [residual f32[M, N]], [u f32[M, Σ rank], arena f32],
 * c f32[M, N] or f32[M, N / 2] (read_write).
 * @throws ShapeError for what {@link fusesGemv} refuses, or a residual of a gated projection; GpuError `gpu/limit`
 * @source Zhang & Sennrich 2019 (arXiv:1910.07467), Shazeer 2020 (arXiv:2002.05202), Hu et al. 2021 (arXiv:2106.09685)
 */
export function fusedGemv(o: FusedGemvOptions, traits: DeviceTraits): KernelCall {
  checkOptions(o);
  const small = smallOptions(o);
  return { ...build(o, traits), check: () => checkCase(small, build(small, traits)) };
}

function build(o: FusedGemvOptions, traits: DeviceTraits): KernelCall {
  return runsQuads(o, traits) ? quads(o, traits) : lanes(o, traits);
}

function runsQuads({ lora }: FusedGemvOptions, { software, subgroups }: DeviceTraits): boolean {
  return software && subgroups && !lora;
}

/** What the shaders of both bodies share. */
function prepare(o: FusedGemvOptions) {
  const { m, n, k, lora, gated = false } = o;
  const operands = operandsOf(o);
  const at = (name: string): number => operands.findIndex((operand) => operand.name === name);
  const [plane] = weightPlanes(o.weight, k);
  const stored = plane?.columns ?? k;
  const parts = { norm: o.norm, bias: o.bias, gated, residual: o.residual, lora };
  const outputs = outputsOf(o);
  const work = lora ? ranks(lora) : 0;
  return {
    outputs,
    work,
    operands,
    stride: isQuantised(o.weight) ? stored : stored / 4,
    name: [o.weight, ...Object.entries(parts).flatMap(([part, used]) => (used ? [part] : []))].join('_'),
    defines: {
      ...weightDefines(o.weight),
      ...{ NORM: !!o.norm, BIAS: !!o.bias, RESIDUAL: !!o.residual, LORA: !!lora, GATED: gated },
      ...{ NORM_BINDING: at('gain'), BIAS_BINDING: at('bias'), RESIDUAL_BINDING: at('residual') },
      ...{ U_BINDING: at('u'), ARENA_BINDING: at('arena'), C_BINDING: at('c') },
      PARAMS_BINDING: operands.length,
    },
    flops: 2 * m * n * (k + work),
    bytes: n * weightRowBytes(o.weight, k) + 4 * (m * k + m * outputs * (o.residual ? 2 : 1) + n * work),
  };
}

/** A workgroup for a few lines of the weight, whose threads share them and meet at barriers. */
function lanes(o: FusedGemvOptions, traits: DeviceTraits): KernelCall {
  const { m, n, k, lora, gated = false } = o;
  const { outputs, work, operands, stride, name, defines, ...cost } = prepare(o);
  const rows = 4;
  const lines = gated ? rows / 2 : rows;
  const tile = { M: m, LANES: 32, ROWS: rows, LINES: lines, MODULES: lora?.modules.length ?? 0 };
  const params: ParamValue[] = [
    ...[n, k / 4, stride, k].map((u32) => ({ u32 })),
    { f32: o.norm?.eps ?? 0 },
    ...[work, outputs, 0].map((u32) => ({ u32 })),
    ...moduleParams(lora),
  ];
  return shaderCall(
    {
      ...{ stem: 'fused_gemv', variant: `${name}_${m}`, defines: { ...defines, ...tile } },
      ...{ operands, params, grid: foldGrid(Math.ceil(outputs / lines)), ...cost },
    },
    traits,
  );
}

/** Four threads for a few rows and columns, without workgroup memory. */
function quads(o: FusedGemvOptions, traits: DeviceTraits): KernelCall {
  const { m, k, gated = false } = o;
  const { outputs, work: _, operands, stride, name, defines, ...cost } = prepare(o);
  const tm = m > 4 ? 8 : m > 2 ? 4 : m;
  const tn = (tm === 8 ? 4 : 8) / (gated ? 2 : 1);
  const list = (prefix: string, count: number, columns?: number): string =>
    Array.from({ length: count }, (_, at) =>
      columns ? `${prefix}_${Math.floor(at / columns)}_${at % columns}` : `${prefix}_${at}`,
    ).join(', ');
  const tile = {
    ...{ TM: tm, TN: tn, OUTPUTS: tm * tn, SUM_LIST: list('sum', tm * tn, tn) },
    ...{ UP_LIST: list('up_sum', tm * tn, tn), FACTOR_LIST: list('factor', tm) },
  };
  const sizes = [m, k, k / 4, stride, outputs].map((u32) => ({ u32 }));
  return shaderCall(
    {
      ...{ stem: 'fused_quad', variant: `${name}_${tm}x${tn}`, defines: { ...defines, ...tile } },
      ...{ operands, params: [...sizes, { f32: o.norm?.eps ?? 0 }], ...cost },
      grid: [Math.ceil(outputs / (4 * tn)), Math.ceil(m / tm), 1],
    },
    traits,
  );
}

/** Two words of four for each module: its columns, rank and place in u; its place in the arena. */
function moduleParams(lora: FusedLora | undefined): ParamValue[] {
  let before = 0;
  const words = Array.from({ length: FUSED_MODULES }, (_, index) => {
    const own = lora?.modules[index];
    if (!own) return [0, 0, 0, 0, 0, 0, 0, 0];
    const place = [own.first, own.first + own.columns, own.rank, before, own.b, 0, 0, 0];
    before += own.rank;
    return place;
  });
  return words.flat().map((u32) => ({ u32 }));
}

/** Options of {@link loraDown}. */
export interface LoraDownOptions {
  readonly m: number;
  readonly k: number;
  readonly norm?: { readonly eps: number } | undefined;
  readonly lora: FusedLora;
}

/**
 * u = strength · scale · norm(x) Aᵀ of all modules of a projection. Operands in binding order: x f32[M, K], arena f32,
 * [gain f32[K]], strength f32[1], u f32[M, Σ rank] (read_write).
 * @throws ShapeError as {@link fusedGemv}
 */
export function loraDown({ m, k, norm, lora }: LoraDownOptions, traits: DeviceTraits): KernelCall {
  checkOptions({ m, n: 1, k, weight: 'f32', norm, lora });
  const total = ranks(lora);
  const operands = [
    reads('x', m * k),
    touching(orMore(reads('arena', lora.arena)), total * k),
    ...(norm ? [reads('gain', k)] : []),
    reads('strength', 1),
    writes('u', m * total),
  ];
  let before = 0;
  const places = Array.from({ length: FUSED_MODULES }, (_, index) => {
    const own = lora.modules[index];
    if (!own) return [0xffffffff, 0, 0, 0];
    const place = [before, own.rank, own.a / 4, 0];
    before += own.rank;
    return place;
  });
  const scales = Array.from({ length: 4 }, (_, index) => ({ f32: lora.modules[index]?.scale ?? 0 }));
  const params: ParamValue[] = [
    ...[k / 4, k].map((u32) => ({ u32 })),
    { f32: norm?.eps ?? 0 },
    { u32: total },
    ...places.flat().map((u32) => ({ u32 })),
    ...scales,
  ];
  const last = operands.length;
  const defines = { NORM: !!norm, M: m, LANES: 32, MODULES: lora.modules.length };
  return shaderCall(
    {
      stem: 'lora_down',
      variant: `${norm ? 'norm_' : ''}${lora.modules.length}_${m}`,
      defines: { ...defines, STRENGTH_BINDING: last - 2, U_BINDING: last - 1, PARAMS_BINDING: last },
      operands,
      params,
      grid: foldGrid(total),
      flops: 2 * m * k * total,
      bytes: 4 * (m * k + total * k + m * total),
    },
    traits,
  );
}

/** The same kernel text at small sizes. */
function smallOptions(o: FusedGemvOptions): FusedGemvOptions {
  const [n, k] = [10, 36];
  if (!o.lora) return { ...o, n, k };
  const { length } = o.lora.modules;
  const columns = Math.floor(n / length);
  const modules = Array.from({ length }, (_, index) => {
    return { first: index * columns, columns, rank: 2, a: 0, b: index * columns * 2, scale: 1 };
  });
  return { ...o, n, k, lora: { arena: n * 2, modules } };
}

/** A case of {@link smallOptions} with its result in f64. */
function checkCase(o: FusedGemvOptions, call: KernelCall): KernelCheck {
  const { m, n, k, lora, norm, gated } = o;
  const outputs = outputsOf(o);
  const [x, gain, bias, residual] = [m * k, k, n, m * n].map((count, at) => checkValues(count, 7 * at));
  const matrix = storedMatrix(n, k, o.weight);
  const [u, arena] = [checkValues(m * (lora ? ranks(lora) : 0), 3), checkValues(lora?.arena ?? 0, 5)];
  const y = (row: number, column: number): number => {
    let [sum, square] = [0, 0];
    for (let at = 0; at < k; at++) {
      const value = itemAt(x!, row * k + at);
      square += value * value;
      sum += value * (norm ? itemAt(gain!, at) : 1) * itemAt(matrix.values, column * k + at);
    }
    if (norm) sum /= Math.sqrt(square / k + norm.eps);
    if (o.bias) sum += itemAt(bias!, column);
    let before = 0;
    for (const own of lora?.modules ?? []) {
      const inside = column >= own.first && column < own.first + own.columns;
      for (let at = 0; inside && at < own.rank; at++)
        sum +=
          itemAt(u, row * ranks(lora as FusedLora) + before + at) *
          itemAt(arena, own.b + (column - own.first) * own.rank + at);
      before += own.rank;
    }
    return sum;
  };
  const expected = Float64Array.from({ length: m * outputs }, (_, at) => {
    const [row, column] = [Math.floor(at / outputs), at % outputs];
    const value = y(row, column);
    if (gated) return (value / (1 + Math.exp(-value))) * y(row, column + outputs);
    return value + (o.residual ? itemAt(residual!, at) : 0);
  });
  const operands = [
    x!,
    ...matrix.planes,
    ...(norm ? [gain!] : []),
    ...(o.bias ? [bias!] : []),
    ...(o.residual ? [residual!] : []),
    ...(lora ? [u, arena] : []),
    new Float32Array(m * outputs),
  ];
  // Sums of 40 products below 4, and the square of such a sum where it is gated; a wrong kernel is wrong by 1e-2 or more.
  const tolerance = 1e-3;
  return { variant: FUSED_VARIANT, call, operands, output: operands.length - 1, expected, tolerance };
}
