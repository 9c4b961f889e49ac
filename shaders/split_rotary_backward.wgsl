// Gradient of split_rotary: gathers dq, dk, dv into dqkv and rotates dq and dk by the opposite angle.
// Bindings: dq [T, NH, HP], dk and dv [T, NKV, HP] with HP >= HS, cos and sin [P, HS/2], rows [T],
//   dqkv [T, (NH + 2 NKV) * HS].
// One invocation = one pair of one head. The rotation is orthogonal, so its transpose is its inverse.

@group(0) @binding(0) var<storage, read> dq: array<f32>;
@group(0) @binding(1) var<storage, read> dk: array<f32>;
@group(0) @binding(2) var<storage, read> dv: array<f32>;
@group(0) @binding(3) var<storage, read> cosine: array<f32>;
@group(0) @binding(4) var<storage, read> sine: array<f32>;
@group(0) @binding(5) var<storage, read> rows: array<u32>;
@group(0) @binding(6) var<storage, read_write> dqkv: array<f32>;

#include "lib/rotary_pair.wgsl"

@compute @workgroup_size(64)
fn split_rotary_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let place = pair_at(group, groups, lane);
  if (place.token >= params.tokens) { return; }
  let half = params.half;
  let table = rows[place.token] * half + place.channel;
  var c = cosine[table];
  var s = sine[table];
  var d = vec2f();
  let kv = place.head - params.heads;
  if (place.head < params.heads) {
    let source = (place.token * params.heads + place.head) * params.stride + place.channel;
    d = vec2f(dq[source], dq[source + half]);
  } else if (kv < params.kv_heads) {
    let source = (place.token * params.kv_heads + kv) * params.stride + place.channel;
    d = vec2f(dk[source], dk[source + half]);
  } else {
    let source = (place.token * params.kv_heads + kv - params.kv_heads) * params.stride + place.channel;
    d = vec2f(dv[source], dv[source + half]);
    c = 1.0;
    s = 0.0;
  }
  dqkv[place.fused] = d.x * c + d.y * s;
  dqkv[place.fused + half] = d.y * c - d.x * s;
}
