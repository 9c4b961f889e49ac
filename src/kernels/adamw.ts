// Takes one AdamW step over an arena of parameters. The learning rate arrives as data, so that a recorded step can be
// replayed; a set skip flag leaves parameters and moments untouched.

import type { DeviceTraits } from '../gpu/device';
import { foldGrid, type KernelCall } from '../gpu/kernel';
import { ArgumentError } from '../lib/errors';
import { checkDimensions } from './check';
import { reads, shaderCall, writes } from './shader';

/** Parameters of a workgroup: four per invocation, so that the settings are read once for four. */
const ELEMENTS = 256;

/** Hyperparameters of one step; names as in torch.optim.AdamW. */
export interface AdamwSettings {
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** 1 for the first step. */
  readonly step: number;
}

/**
 * The hparams operand of one step, computed in f64: 1 - lr * decay, beta1, 1 - beta1, beta2, 1 - beta2, eps,
 * lr / (1 - beta1^step), 1 / sqrt(1 - beta2^step).
 * @throws ArgumentError for a step below 1 or a beta outside [0, 1)
 */
export function packAdamw(o: AdamwSettings): Float32Array {
  if (!(Number.isInteger(o.step) && o.step >= 1))
    throw new ArgumentError(`AdamW step is ${o.step}; steps count from 1.`);
  for (const name of ['beta1', 'beta2'] as const) {
    if (!(o[name] >= 0 && o[name] < 1))
      throw new ArgumentError(`AdamW ${name} is ${o[name]}; it must lie in [0, 1).`);
  }
  return Float32Array.of(
    1 - o.lr * o.weightDecay,
    o.beta1,
    1 - o.beta1,
    o.beta2,
    1 - o.beta2,
    o.eps,
    o.lr / (1 - o.beta1 ** o.step),
    1 / Math.sqrt(1 - o.beta2 ** o.step),
  );
}

/**
 * One step on `count` parameters.
 * Bindings: gradient f32[count], hparams f32[8] (`packAdamw`), clip f32[4] (from `clipFactor`, or 1, 0, 0, 0),
 * parameters f32[count], m f32[count], v f32[count]; the last three read_write.
 * @throws ShapeError for an empty arena or one that exceeds a binding
 */
export function adamw(o: { readonly count: number }, traits: DeviceTraits): KernelCall {
  const { count } = o;
  checkDimensions('adamw', { count });
  return shaderCall(
    {
      stem: 'adamw',
      defines: { ELEMENTS },
      operands: [
        reads('gradient', count),
        reads('hparams', 8),
        reads('clip', 4),
        writes('parameters', count),
        writes('m', count),
        writes('v', count),
      ],
      params: [{ u32: count }],
      grid: foldGrid(Math.ceil(count / ELEMENTS)),
      flops: 14 * count,
      bytes: 4 * 7 * count,
    },
    traits,
  );
}
