// The per-token GRPO loss and its gradient in one dispatch. Normalisation is the caller's: it comes as token weights.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { checkDimensions, elementGrid } from './check';
import { reads, shaderCall, writes } from './shader';

/**
 * Bindings: logp, old_logp, ref_logp, advantage, weight f32[count] each (weight 0: padding), settings f32[3] =
 * epsilon_low, epsilon_high, beta; terms f32[count, 4] = loss, ratio, k3, clip side (−1, 0, 1), dlogp f32[count]
 * (both read_write).
 * @throws ShapeError for no tokens
 */
export function grpoLoss(o: { readonly count: number }, traits: DeviceTraits): KernelCall {
  const { count } = o;
  checkDimensions('grpoLoss', { count });
  const perToken = ['logp', 'old_logp', 'ref_logp', 'advantage', 'weight'];
  return shaderCall(
    {
      stem: 'grpo_loss',
      operands: [
        ...perToken.map((name) => reads(name, count)),
        reads('settings', 3),
        writes('terms', 4 * count),
        writes('dlogp', count),
      ],
      params: [{ u32: count }],
      grid: elementGrid(count),
      flops: 20 * count,
      bytes: 4 * 10 * count,
    },
    traits,
  );
}
