// Log-probabilities of labels with logsumexp and entropy, and the gradient with respect to the logits.
// Not a mean: the caller weights rows, so that SFT and GRPO losses share these two kernels.
// Invariant: a negative label (Hugging Face's -100) has log-probability 0 and gradient 0.

import type { DeviceTraits } from '../gpu/device';
import { type KernelCall, packParams } from '../gpu/kernel';
import { ArgumentError } from '../lib/errors';
import { checkBinding, checkDimensions, elementGrid, rowGrid, rowLayout } from './check';
import { shaderKernel } from './shader';

/** Rows of logits, and the temperature they are divided by (1 by default). */
export interface CrossEntropyOptions {
  readonly rows: number;
  readonly cols: number;
  readonly temperature?: number;
}

function check(name: string, o: CrossEntropyOptions, traits: DeviceTraits): Uint32Array {
  checkDimensions(name, { rows: o.rows, cols: o.cols });
  checkBinding(name, 'logits', o.rows * o.cols, traits);
  const temperature = o.temperature ?? 1;
  if (!(temperature > 0))
    throw new ArgumentError(`${name}: temperature is ${temperature}; it must be positive.`);
  return packParams([{ u32: o.rows }, { u32: o.cols }, { f32: 1 / temperature }]);
}

/**
 * Per row: log-probability of the label, logsumexp, entropy (nats), of softmax(logits / temperature).
 * Bindings: logits f32[rows, cols], labels i32[rows] (negative: ignored), logp f32[rows], lse f32[rows],
 * entropy f32[rows]; the last three read_write.
 * @throws ShapeError for an empty shape or one that exceeds a binding
 */
export function crossEntropy(o: CrossEntropyOptions, traits: DeviceTraits): KernelCall {
  const params = check('crossEntropy', o, traits);
  const layout = rowLayout(o.cols, traits);
  return {
    kernel: shaderKernel('cross_entropy', `${layout.WG}`, { ...layout }, [
      'read',
      'read',
      'read_write',
      'read_write',
      'read_write',
    ]),
    params,
    grid: rowGrid(o.rows, layout),
    flops: 12 * o.rows * o.cols,
    bytes: 4 * o.rows * (o.cols + 4),
  };
}

/**
 * d_logits = weight * (softmax(logits / temperature) - onehot(label)) / temperature; weight is dLoss / d(-logp) per row.
 * Bindings: logits f32[rows, cols], labels i32[rows], lse f32[rows] (from `crossEntropy`), weight f32[rows],
 * dLogits f32[rows, cols] (read_write). With `inPlace`: logits f32[rows, cols] (read_write, becomes dLogits), labels,
 * lse, weight.
 */
export function crossEntropyBackward(
  o: CrossEntropyOptions & { readonly inPlace?: boolean },
  traits: DeviceTraits,
): KernelCall {
  const params = check('crossEntropyBackward', o, traits);
  const inPlace = o.inPlace ?? false;
  return {
    kernel: shaderKernel(
      'cross_entropy_backward',
      inPlace ? 'in_place' : '',
      { IN_PLACE: inPlace },
      inPlace ? ['read_write', 'read', 'read', 'read'] : ['read', 'read', 'read', 'read', 'read_write'],
    ),
    params,
    grid: elementGrid(o.rows * o.cols),
    flops: 8 * o.rows * o.cols,
    bytes: 4 * o.rows * (2 * o.cols + 3),
  };
}
