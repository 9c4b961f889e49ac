// Softmax of rows: y = exp(x - max) / sum exp(x - max).
// Bindings: x [rows, cols], y [rows, cols].
// ${WG} invocations = one row, ${ROWS} rows = one workgroup. Logits are clamped to +-1e30, so masks may be -inf.

struct Params { rows: u32, cols: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

#include "lib/workgroup_reduce.wgsl"

@compute @workgroup_size(${WG}, ${ROWS})
fn softmax(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let lane = local.x;
  let row = (group.y * groups.x + group.x) * ${ROWS}u + local.y;
  let base = min(row, params.rows - 1u) * params.cols;
  var largest = -1e30;
  for (var i = lane; i < params.cols; i += ${WG}u) { largest = max(largest, clamp(x[base + i], -1e30, 1e30)); }
  let top = workgroup_max(lane, largest);
  var local_sum = 0.0;
  for (var i = lane; i < params.cols; i += ${WG}u) {
    local_sum += exp(max(clamp(x[base + i], -1e30, 1e30) - top, -100.0));
  }
  let total = workgroup_sum(lane, local_sum);
  if (row >= params.rows) { return; }
  for (var i = lane; i < params.cols; i += ${WG}u) {
    let exponent = clamp(x[base + i], -1e30, 1e30) - top;
    y[base + i] = select(0.0, exp(max(exponent, -100.0)) / total, exponent > -100.0);
  }
}
