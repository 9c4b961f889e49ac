// Gradient of split_rotary: gathers dq, dk, dv into dqkv and rotates dq and dk by the opposite angle.
// Bindings: dq [T, NH, HP], dk and dv [T, NKV, HP] with HP >= HS, cos and sin [P, HS/2], rows [T],
//   dqkv [T, (NH + 2 NKV) * HS].
// One invocation = one pair of one head. The rotation is orthogonal, so its transpose is its inverse.

struct Params { tokens: u32, heads: u32, kv_heads: u32, half: u32, stride: u32 }

@group(0) @binding(0) var<storage, read> dq: array<f32>;
@group(0) @binding(1) var<storage, read> dk: array<f32>;
@group(0) @binding(2) var<storage, read> dv: array<f32>;
@group(0) @binding(3) var<storage, read> cosine: array<f32>;
@group(0) @binding(4) var<storage, read> sine: array<f32>;
@group(0) @binding(5) var<storage, read> rows: array<u32>;
@group(0) @binding(6) var<storage, read_write> dqkv: array<f32>;
@group(0) @binding(7) var<uniform> params: Params;

@compute @workgroup_size(64)
fn split_rotary_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  let half = params.half;
  let slots = params.heads + 2u * params.kv_heads;
  let pair = index % half;
  let head = index / half % slots;
  let token = index / half / slots;
  if (token >= params.tokens) { return; }
  let table = rows[token] * half + pair;
  var c = cosine[table];
  var s = sine[table];
  var d = vec2f();
  if (head < params.heads) {
    let source = (token * params.heads + head) * params.stride + pair;
    d = vec2f(dq[source], dq[source + half]);
  } else if (head < params.heads + params.kv_heads) {
    let source = (token * params.kv_heads + head - params.heads) * params.stride + pair;
    d = vec2f(dk[source], dk[source + half]);
  } else {
    let source = (token * params.kv_heads + head - params.heads - params.kv_heads) * params.stride + pair;
    d = vec2f(dv[source], dv[source + half]);
    c = 1.0;
    s = 0.0;
  }
  let cell_start = (token * slots + head) * 2u * half + pair;
  dqkv[cell_start] = d.x * c + d.y * s;
  dqkv[cell_start + half] = d.y * c - d.x * s;
}
