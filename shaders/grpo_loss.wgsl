// Per-token GRPO loss and its gradient: l = -min(r A, clip(r, 1 - low, 1 + high) A) + beta k3, r = exp(logp - old),
//   k3 = exp(ref - logp) - (ref - logp) - 1. The loss is sum(weight * l); dlogp = weight * dl/dlogp.
// Bindings: logp [n], old_logp [n], ref_logp [n], advantage [n], weight [n] (0 = padding), settings f32 [3] = low, high,
//   beta; terms f32 [n, 4] = l, ratio, k3, clip side (-1 low and A < 0, 1 high and A > 0, else 0); dlogp [n].
// One invocation = one token. Source: Shao et al. 2024 (arXiv:2402.03300) eq. 3-4; the asymmetric range is DAPO's (arXiv:2503.14476).

struct Params { count: u32 }

@group(0) @binding(0) var<storage, read> logp: array<f32>;
@group(0) @binding(1) var<storage, read> old_logp: array<f32>;
@group(0) @binding(2) var<storage, read> ref_logp: array<f32>;
@group(0) @binding(3) var<storage, read> advantage: array<f32>;
@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read> settings: array<f32>;
@group(0) @binding(6) var<storage, read_write> terms: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dlogp: array<f32>;
@group(0) @binding(8) var<uniform> params: Params;

@compute @workgroup_size(64)
fn grpo_loss(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + lane;
  if (i >= params.count) { return; }
  if (weight[i] == 0.0) {
    terms[i] = vec4f(0.0);
    dlogp[i] = 0.0;
    return;
  }
  let a = advantage[i];
  let ratio = exp(clamp(logp[i] - old_logp[i], -20.0, 20.0));
  let clipped = clamp(ratio, 1.0 - settings[0], 1.0 + settings[1]);
  let difference = clamp(ref_logp[i] - logp[i], -20.0, 20.0);
  let k3 = exp(difference) - difference - 1.0;
  let policy = -min(ratio * a, clipped * a);
  // Where the clipped term is the smaller one it is constant; a tie means that nothing was clipped.
  let free = ratio * a <= clipped * a;
  let slope = select(0.0, -ratio * a, free) + settings[2] * (1.0 - exp(difference));
  let low = ratio < 1.0 - settings[0] && a < 0.0;
  let high = ratio > 1.0 + settings[1] && a > 0.0;
  terms[i] = vec4f(fma(settings[2], k3, policy), ratio, k3, select(0.0, 1.0, high) - select(0.0, 1.0, low));
  dlogp[i] = weight[i] * slope;
}
