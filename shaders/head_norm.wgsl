// RMSNorm of every query and key head of a fused projection; values pass through (Qwen3: q_norm, k_norm).
//   out = x * rstd * w with rstd = 1 / sqrt(mean(x^2) + eps) over the head.
// Bindings: qkv [T, (NH + 2 NKV) * HS], q_weight [HS], k_weight [HS], out as qkv.
// ${WG} invocations = one head of one token, ${ROWS} heads = one workgroup. f32 throughout.

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> q_weight: array<f32>;
@group(0) @binding(2) var<storage, read> k_weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

#include "lib/head_norm.wgsl"

@compute @workgroup_size(${WG}, ${ROWS})
fn head_norm(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let lane = local.x;
  let place = head_at(group, groups, local.y);
  let r = head_rstd(lane, place.base);
  if (!place.live) { return; }
  for (var i = lane; i < params.size; i += ${WG}u) {
    let value = qkv[place.base + i];
    out[place.base + i] = select(value * r * head_weight(place.kind, i), value, place.kind == VALUE);
  }
}
