// Rotary position embedding of one tensor (RoFormer; rotate_half pairing j, j + HS/2), or its inverse:
//   y[j] = x[j] * cos[j] - x[j + HS/2] * sin[j],  y[j + HS/2] = x[j + HS/2] * cos[j] + x[j] * sin[j].
// Bindings: x [T, NH, HS], cos and sin [P, HS/2], rows [T] (table row of each token), y [T, NH, HS].
// One invocation = one pair of one head. The inverse (sin negated) is also the gradient.

struct Params { tokens: u32, heads: u32, half: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> cosine: array<f32>;
@group(0) @binding(2) var<storage, read> sine: array<f32>;
@group(0) @binding(3) var<storage, read> rows: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(64)
fn rotary(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  let half = params.half;
  let pair = index % half;
  let head = index / half % params.heads;
  let token = index / half / params.heads;
  if (token >= params.tokens) { return; }
  let at = (token * params.heads + head) * 2u * half + pair;
  let table = rows[token] * half + pair;
  let c = cosine[table];
#if INVERSE
  let s = -sine[table];
#else
  let s = sine[table];
#endif
  let low = x[at];
  let high = x[at + half];
  y[at] = low * c - high * s;
  y[at + half] = high * c + low * s;
}
