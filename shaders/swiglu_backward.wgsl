// Gradient of SwiGLU: dg = dy * u * silu'(g), du = dy * silu(g).
// Bindings: gu [rows, 2 * cols] (gate, then up), dy [rows, cols], dgu [rows, 2 * cols].
// One invocation = one element of dy, hence one of dg and one of du.

struct Params { rows: u32, cols: u32 }

@group(0) @binding(0) var<storage, read> gu: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dgu: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

#include "lib/activation.wgsl"

@compute @workgroup_size(64)
fn swiglu_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  let row = index / params.cols;
  if (row >= params.rows) { return; }
  let gate = index + row * params.cols;
  let g = gu[gate];
  let d = dy[index];
  dgu[gate] = d * gu[gate + params.cols] * silu_derivative(g);
  dgu[gate + params.cols] = d * silu(g);
}
