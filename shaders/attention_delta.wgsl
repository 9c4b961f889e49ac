// stats[t,h] = { lse[t,h], sum_d dOut[t,h,d] * out[t,h,d] }: what both attention gradients need of a row.
//
// Bindings: dOut, out [rows, HS] (as vec4; rows = tokens * heads), lse [rows], stats [rows, 2].
// One thread = one row, dimensions in order.

struct Params {
  rows: u32,
  head_vectors: u32,
}

@group(0) @binding(0) var<storage, read> d_out: array<vec4f>;
@group(0) @binding(1) var<storage, read> out: array<vec4f>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read_write> stats: array<vec2f>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn attention_delta(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (group.y * groups.x + group.x) * 64u + lane;
  if (row >= params.rows) {
    return;
  }
  var sum = vec4f(0f);
  for (var d = 0u; d < params.head_vectors; d++) {
    sum += d_out[row * params.head_vectors + d] * out[row * params.head_vectors + d];
  }
  stats[row] = vec2f(lse[row], sum.x + sum.y + sum.z + sum.w);
}
