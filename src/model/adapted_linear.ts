// Traces a linear layer of a model by the names of its weight and bias, with the low-rank updates of an adapter where one
// changes it: what vision tower, connector and text decoder are made of.

import { ShapeError } from '../lib/errors';
import { activate } from '../tensor/ops/activation';
import { type LinearOptions, linear } from '../tensor/ops/linear';
import { addLora } from '../tensor/ops/lora';
import type { Tensor, Trace } from '../tensor/trace';
import type { WeightSource } from './weights';

/** Options of a layer that an adapter may change. */
export interface AdaptedLinearOptions extends LinearOptions {
  /** Of x in the layer's whole input, where it is rows of that; default 0. */
  readonly firstRow?: number;
}

/**
 * y = act(x Wᵀ + bias + Σ scale · (x Aᵀ) Bᵀ) + residual.
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
  { firstRow = 0, ...options }: AdaptedLinearOptions = {},
): Tensor {
  const modules = weights.lora?.(name) ?? [];
  if (modules.length === 0) return linear(trace, x, weights.matrix(name), options);
  const { activation = 'none', ...others } = options;
  if (activation !== 'none' && others.residual)
    throw new ShapeError(`${name}: an adapted layer takes an activation or a residual, not both.`);
  const y = linear(trace, x, weights.matrix(name), others);
  const updated = modules.reduce((sum, module) => addLora(trace, x, sum, module, firstRow), y);
  return activation === 'none' ? updated : activate(trace, updated, activation);
}
