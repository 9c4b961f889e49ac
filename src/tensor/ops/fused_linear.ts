// Traces a linear layer of a decode step in one dispatch with its norm, bias, residual or SwiGLU, and with an adapter's
// updates in two. It has no gradient; where the fused form cannot run, the caller traces the parts one by one.

import {
  FUSED_VARIANT,
  type FusedGemvOptions,
  type FusedLora,
  fusedGemv,
  fusesGemv,
  loraDown,
} from '../../kernels/fused_gemv';
import { itemAt } from '../../lib/invariant';
import { anyRequiresGrad, elementCount, sizeAt, type Tensor, type Trace } from '../trace';
import type { Weight } from '../weight';
import type { LoraModule } from './lora';

/** What surrounds the product. */
export interface FusedLinearOptions {
  /** RMSNorm of the input. */
  readonly norm?: { readonly weight: Tensor; readonly eps: number } | undefined;
  /** [N] f32 */
  readonly bias?: Tensor | undefined;
  /** [T, N] f32 */
  readonly residual?: Tensor | undefined;
  /** The columns are gates, then ups; the result is silu(gates) · ups. */
  readonly gated?: boolean;
  readonly modules: readonly LoraModule[];
  /** Takes the result; by default a new activation. */
  readonly into?: Tensor | undefined;
}

/**
 * The layer, or null where it has to be traced in parts: with gradients or dropout, many rows, a weight of several shards, an
 * adapter larger than a binding, on a software device any adapter, a device on which the kernel was found wrong.
 * @param x [T, K] f32
 * @returns [T, N] f32, or [T, N / 2] where it is gated
 */
export function fusedLinear(
  trace: Trace,
  x: Tensor,
  weight: Weight,
  options: FusedLinearOptions,
): Tensor | null {
  const { traits } = trace;
  const { norm, bias, residual, gated = false, modules, into } = options;
  const [shard, ...others] = weight.shards;
  if (traits.disabledVariants.has(FUSED_VARIANT) || !shard || others.length > 0) return null;
  // The body with barriers is slower than the parts on a software adapter.
  if (traits.software && (modules.length > 0 || !traits.subgroups)) return null;
  const trained = modules.flatMap(({ a, b }) => [a, b]);
  if (anyRequiresGrad(x, residual, norm?.weight, ...trained) || weight.requiresGrad) return null;
  const lora = loraOf(modules, traits.maxBindingBytes);
  if (lora === null) return null;
  const [n, k] = weight.shape;
  const m = elementCount(x.shape) / sizeAt(x, -1);
  const common = { m, k, norm: norm && { eps: norm.eps }, lora: lora?.shape };
  const call: FusedGemvOptions = {
    ...common,
    n,
    weight: weight.format,
    bias: !!bias,
    residual: !!residual,
    gated,
  };
  if (!fusesGemv(call)) return null;
  const gain = norm ? [norm.weight] : [];
  const updates = lora ? [firstHalves(trace, x, gain, lora, common), lora.arena] : [];
  const y = into ?? trace.activation(weight.name, [m, gated ? n / 2 : n]);
  const added = [...gain, ...(bias ? [bias] : []), ...(residual ? [residual] : []), ...updates];
  trace.emit(fusedGemv(call, traits), [x, ...shard.planes, ...added, y]);
  return y;
}

/** Modules whose matrices lie in one arena. */
interface ArenaModules {
  readonly arena: Tensor;
  readonly strength: Tensor;
  readonly shape: FusedLora;
}

/** Undefined without modules, null where they cannot be fused. */
function loraOf(modules: readonly LoraModule[], limit: number): ArenaModules | undefined | null {
  const [first] = modules;
  if (!first) return undefined;
  const { arena, strength } = first;
  if (!arena || arena.region.bytes > limit || modules.some(({ dropout }) => dropout)) return null;
  const placeOf = ({ region }: Tensor): number => ((region?.offset ?? 0) - arena.region.offset) / 4;
  const fused = modules.map(({ a, b, scale, first: column }) => {
    const [columns, rank] = [itemAt(b.shape, 0), itemAt(b.shape, 1)];
    return { first: column, columns, rank, a: placeOf(a), b: placeOf(b), scale };
  });
  return { arena, strength, shape: { arena: elementCount(arena.shape), modules: fused } };
}

/** u [T, Σ rank] of all modules. */
function firstHalves(
  trace: Trace,
  x: Tensor,
  gain: readonly Tensor[],
  { arena, strength, shape }: ArenaModules,
  { m, k, norm }: Pick<FusedGemvOptions, 'm' | 'k' | 'norm'>,
): Tensor {
  const u = trace.activation('lora', [m, shape.modules.reduce((sum, { rank }) => sum + rank, 0)]);
  trace.emit(loraDown({ m, k, norm, lora: shape }, trace.traits), [x, arena, ...gain, strength, u]);
  return u;
}
