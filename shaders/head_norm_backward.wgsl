// Input gradient of head_norm: for queries and keys dqkv = rstd * (w * dy - x * rstd * mean(w * dy * x * rstd)), means over
// the head; values pass through. The statistics are computed again: a head is short.
// Bindings: qkv [T, (NH + 2 NKV) * HS], q_weight [HS], k_weight [HS], dy as qkv, dqkv as qkv.
// ${WG} invocations = one head of one token, ${ROWS} heads = one workgroup. f32; rstd * x is formed first, so outliers do
// not overflow.

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> q_weight: array<f32>;
@group(0) @binding(2) var<storage, read> k_weight: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dqkv: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

#include "lib/head_norm.wgsl"

@compute @workgroup_size(${WG}, ${ROWS})
fn head_norm_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let lane = local.x;
  let place = head_at(group, groups, local.y);
  let r = head_rstd(lane, place.base);
  var dot = 0.0;
  for (var i = lane; i < params.size; i += ${WG}u) {
    dot = fma(head_weight(place.kind, i) * dy[place.base + i], qkv[place.base + i] * r, dot);
  }
  let mean = workgroup_sum(lane, dot) / f32(params.size);
  if (!place.live) { return; }
  for (var i = lane; i < params.size; i += ${WG}u) {
    let gradient = dy[place.base + i];
    let normed = r * (head_weight(place.kind, i) * gradient - qkv[place.base + i] * r * mean);
    dqkv[place.base + i] = select(normed, gradient, place.kind == VALUE);
  }
}
