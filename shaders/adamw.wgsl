// One AdamW step on an arena of parameters (Loshchilov & Hutter 2019; torch.optim.AdamW's order of operations):
//   g = factor * gradient, m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2,
//   p = (1 - lr decay) p - lr / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + eps).
// Bindings: gradient [count], hparams [8] (1 - lr * decay, beta1, 1 - beta1, beta2, 1 - beta2, eps, lr / (1 - beta1^t),
//   1 / sqrt(1 - beta2^t)), clip [4] (factor, norm, skip, 0), p [count], m [count], v [count].
// One workgroup = a run of ELEMENTS parameters, one invocation every 64th of them: the settings are read once for all.
// Differences from 1 come from the CPU in f64. With skip nothing changes.

struct Params { count: u32 }

@group(0) @binding(0) var<storage, read> gradient: array<f32>;
@group(0) @binding(1) var<storage, read> hparams: array<f32>;
@group(0) @binding(2) var<storage, read> clip: array<f32>;
@group(0) @binding(3) var<storage, read_write> p: array<f32>;
@group(0) @binding(4) var<storage, read_write> m: array<f32>;
@group(0) @binding(5) var<storage, read_write> v: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(64)
fn adamw(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first_index = (group.y * groups.x + group.x) * ${ELEMENTS}u + lane;
  if (first_index >= params.count || clip[2] != 0.0) { return; }
  let factor = clip[0];
  let keep = hparams[0];
  let beta1 = hparams[1];
  let rest1 = hparams[2];
  let beta2 = hparams[3];
  let rest2 = hparams[4];
  let eps = hparams[5];
  let rate = hparams[6];
  let correction = hparams[7];
  let end = min(params.count, first_index + ${ELEMENTS}u - lane);
  for (var index = first_index; index < end; index += 64u) {
    let g = gradient[index] * factor;
    let first = fma(rest1, g, beta1 * m[index]);
    let second = fma(rest2 * g, g, beta2 * v[index]);
    m[index] = first;
    v[index] = second;
    p[index] = keep * p[index] - rate * first / fma(sqrt(second), correction, eps);
  }
}
