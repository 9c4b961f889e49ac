// SwiGLU: y = silu(g) * u, with gate and up side by side in one projection  (Shazeer 2020).
// Bindings: gu [rows, 2 * cols] (gate, then up), y [rows, cols].
// One invocation = one output element.

struct Params { rows: u32, cols: u32 }

@group(0) @binding(0) var<storage, read> gu: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

#include "lib/activation.wgsl"

@compute @workgroup_size(64)
fn swiglu(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  let row = index / params.cols;
  if (row >= params.rows) { return; }
  let gate = index + row * params.cols;
  y[index] = silu(gu[gate]) * gu[gate + params.cols];
}
