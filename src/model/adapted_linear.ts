// Traces a linear layer of a model by the names of its weight and bias, with the low-rank updates of an adapter where one
// changes it: what vision tower, connector and text decoder are made of.

import { ShapeError } from '../lib/errors';
import { activate } from '../tensor/ops/activation';
import { fusedLinear } from '../tensor/ops/fused_linear';
import { type LinearOptions, linear } from '../tensor/ops/linear';
import { addLora, type LoraModule } from '../tensor/ops/lora';
import { rmsNorm } from '../tensor/ops/rms_norm';
import { swiglu } from '../tensor/ops/swiglu';
import type { Tensor, Trace } from '../tensor/trace';
import type { WeightSource } from './weights';

/** Options of a layer that an adapter may change. */
export interface AdaptedLinearOptions extends LinearOptions {
  /** Of x in the layer's whole input, where it is rows of that; default 0. */
  readonly firstRow?: number;
  /** RMSNorm of x before the layer. */
  readonly norm?: { readonly weight: Tensor; readonly eps: number };
  /** The columns are gates, then ups: the result is silu(gates) ∘ ups, half as wide. Without activation and residual. */
  readonly gated?: boolean;
}

/**
 * y = act(x Wᵀ + bias + Σ scale · (x Aᵀ) Bᵀ) + residual, with x normalised first where asked; fused where that is faster.
 * @param x    [T, in] f32
 * @param name of the weight, e.g. `….self_attn.qkv_proj.weight`
 * @returns    [T, out] f32
 * @throws ModelError `model/weights` for an unknown name; ShapeError when sizes do not fit, or for an activation with a
 *   residual in an adapted layer
 */
export function adaptedLinear(
  trace: Trace,
  weights: WeightSource,
  x: Tensor,
  name: string,
  { firstRow = 0, norm, gated = false, ...options }: AdaptedLinearOptions = {},
): Tensor {
  const modules = weights.lora?.(name) ?? [];
  // Alone a product has variants of its own.
  const surrounded = norm !== undefined || gated || modules.length > 0;
  if (surrounded && (options.activation ?? 'none') === 'none') {
    const fused = fusedLinear(trace, x, weights.matrix(name), { ...options, norm, gated, modules });
    if (fused) return fused;
  }
  const input = norm ? rmsNorm(trace, x, norm.weight, norm.eps) : x;
  const y = updatedLinear(trace, weights, input, name, modules, firstRow, options);
  return gated ? swiglu(trace, y) : y;
}

/** The product with its updates, part by part. */
function updatedLinear(
  trace: Trace,
  weights: WeightSource,
  x: Tensor,
  name: string,
  modules: readonly LoraModule[],
  firstRow: number,
  options: LinearOptions,
): Tensor {
  if (modules.length === 0) return linear(trace, x, weights.matrix(name), options);
  const { activation = 'none', ...others } = options;
  if (activation !== 'none' && others.residual)
    throw new ShapeError(`${name}: an adapted layer takes an activation or a residual, not both.`);
  const y = linear(trace, x, weights.matrix(name), others);
  const updated = modules.reduce((sum, module) => addLora(trace, x, sum, module, firstRow), y);
  return activation === 'none' ? updated : activate(trace, updated, activation);
}
