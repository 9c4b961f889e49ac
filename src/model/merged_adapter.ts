// Keeps the matrices that an adapter changes a second time, with its updates added in: W' = W + strength · scale · B A. What
// samples or trains many tokens under one state of the adapter then computes the updates once instead of once per token.

import { BINDING_ALIGNMENT } from '../gpu/buffer_region';
import type { GpuContext } from '../gpu/device';
import { type GpuScope, inScope } from '../gpu/gpu_scope';
import { copyColumns } from '../kernels/copy_columns';
import { elementwise } from '../kernels/elementwise';
import { gemm } from '../kernels/gemm';
import type { LoraModule } from '../tensor/ops/lora';
import { Program } from '../tensor/program';
import { allocateTensor } from '../tensor/tensor_memory';
import { elementCount, externalTensor, type StoredTensor, sizesOf, type Trace } from '../tensor/trace';
import { denseWeight, type Weight } from '../tensor/weight';
import type { LoraAdapter } from './lora';
import { fusionOf } from './weight_fusion';
import type { WeightSource } from './weights';

/** Most bytes of matrices that are kept twice: those of small models, where time and not memory is the concern. */
const MOST_BYTES = 1 << 26;

/** What traces need to know of an adapter. */
export type AppliedAdapter = Pick<LoraAdapter, 'applyTo' | 'tensors'>;

/** A matrix of the model, the memory of the merged one, and the modules that change it. */
interface MergedMatrix {
  readonly name: string;
  readonly base: StoredTensor;
  readonly merged: StoredTensor;
  readonly modules: readonly LoraModule[];
}

/** See the head of the file. */
export class MergedAdapter implements AppliedAdapter {
  readonly #adapter: LoraAdapter;
  readonly #scope: GpuScope;
  readonly #program: Program;
  readonly #weights: ReadonlyMap<string, Weight>;
  /** Of the adapter's, as many as were followed. */
  #strengths = 0;

  private constructor(
    scope: GpuScope,
    adapter: LoraAdapter,
    program: Program,
    matrices: readonly MergedMatrix[],
  ) {
    [this.#scope, this.#adapter, this.#program] = [scope, adapter, program];
    this.#weights = new Map(matrices.map(({ name, merged }) => [name, denseWeight(merged)]));
  }

  /**
   * Merges an adapter as it is now; null where it is better left apart: over weights that are not kept as f32, which could
   * not hold the sum exactly, and over large ones.
   * @param adapter outlives what is made here
   * @throws GpuError when memory does not suffice
   */
  static async create(
    gpu: GpuContext,
    weights: WeightSource,
    adapter: LoraAdapter,
  ): Promise<MergedAdapter | null> {
    const bases = basesOf(weights, adapter);
    if (bases === null) return null;
    return inScope(gpu, async (scope) => {
      const matrices = bases.map((matrix) => {
        const { name, shape } = matrix.base;
        return { ...matrix, merged: allocateTensor(scope, `merged ${name}`, shape, 'f32') };
      });
      const compiled = Program.compile(gpu, 'merge adapter', (trace) => {
        for (const matrix of matrices) traceMerge(trace, matrix);
      });
      const program = scope.own(await compiled);
      const made = new MergedAdapter(scope, adapter, program, matrices);
      made.refresh();
      return made;
    });
  }

  /** Merges again, at queue order; needed whenever values of the adapter have changed. */
  refresh(): void {
    this.#strengths = this.#adapter.strengths;
    this.#program.submit();
  }

  /** Merges again where the adapter's strength has changed. */
  followStrength(): void {
    if (this.#adapter.strengths !== this.#strengths) this.refresh();
  }

  /** See {@link LoraAdapter.applyTo}. With dropout the updates see other inputs than the weights, and stay apart. */
  applyTo(weights: WeightSource, purpose: 'run' | 'train' = 'run'): WeightSource {
    const apart = this.#adapter.applyTo(weights, purpose);
    const merged = (name: string): Weight | undefined => {
      const weight = this.#weights.get(name);
      return weight && apart.lora?.(name).some(({ dropout }) => dropout) ? undefined : weight;
    };
    return {
      ...apart,
      matrix: (name) => merged(name) ?? weights.matrix(name),
      lora: (name) => {
        const modules = apart.lora?.(name) ?? [];
        if (!merged(name)) return modules;
        return purpose === 'train' ? modules.map((module) => ({ ...module, merged: true })) : [];
      },
    };
  }

  /** See {@link LoraAdapter.tensors}. */
  tensors(): ReturnType<LoraAdapter['tensors']> {
    return this.#adapter.tensors();
  }

  /** Frees the merged matrices, not the adapter. */
  destroy(): void {
    this.#scope.destroy();
  }
}

/** The matrices that an adapter changes; null where they cannot be merged. */
function basesOf(weights: WeightSource, adapter: LoraAdapter): Omit<MergedMatrix, 'merged'>[] | null {
  const applied = adapter.applyTo(weights);
  const names = new Set(adapter.modules.map((module) => fusionOf(`${module}.weight`).name));
  const bases: Omit<MergedMatrix, 'merged'>[] = [];
  let bytes = 0;
  for (const name of names) {
    const { format, shards } = weights.matrix(name);
    const [plane, ...others] = shards.length === 1 ? (shards[0]?.planes ?? []) : [];
    const modules = applied.lora?.(name) ?? [];
    if (format !== 'f32' || !plane?.region || others.length > 0) return null;
    const rowBytes = 4 * (sizesOf(plane, 2)[1] ?? 0);
    if (modules.some(({ first }) => (first * rowBytes) % BINDING_ALIGNMENT !== 0)) return null;
    bytes += plane.region.bytes;
    bases.push({ name, base: externalTensor(plane.name, plane.shape, 'f32', plane.region), modules });
  }
  return bytes <= MOST_BYTES ? bases : null;
}

function traceMerge(trace: Trace, { base, merged, modules }: MergedMatrix): void {
  const { traits } = trace;
  const changed = modules.reduce((sum, { b }) => sum + (sizesOf(b, 2)[0] ?? 0), 0);
  if (changed < (base.shape[0] ?? 0))
    trace.emit(elementwise({ kind: 'copy', count: elementCount(base.shape) }, traits), [base, merged]);
  for (const { a, b, scale, strength, first } of modules) {
    const [rank = 0, width = 0] = a.shape;
    const [rows = 0] = b.shape;
    const scaled = trace.activation(`${a.name} scaled`, a.shape);
    const block = { rows: rank, cols: width, sourceCols: width, sourceFirst: 0, scale };
    trace.emit(copyColumns({ ...block, targetCols: width, targetFirst: 0 }, traits), [a, strength, scaled]);
    const product = { m: rows, n: width, k: rank, mode: 'nn', weight: 'f32', residual: true } as const;
    const own = [base, merged].map((whole) => rowsFrom(whole, first, rows));
    trace.emit(gemm(product, traits), [b, scaled, ...own]);
  }
}

/** Rows of a matrix in its own memory. */
function rowsFrom({ name, region, shape }: StoredTensor, first: number, rows: number): StoredTensor {
  const [, width = 0] = shape;
  const { buffer, offset } = region;
  const place = { buffer, offset: offset + 4 * first * width, bytes: 4 * rows * width };
  return externalTensor(`${name} from ${first}`, [rows, width], 'f32', place);
}
