// RMSNorm: y = x * w * rstd with rstd = 1 / sqrt(mean(x^2) + eps)  (Zhang & Sennrich 2019; eps inside the root).
// Bindings: x [rows, cols], w [cols], y [rows, cols], [rstd [rows] with SAVE_RSTD].
// ${WG} invocations = one row, ${ROWS} rows = one workgroup. f32 throughout; x is read twice.

struct Params { rows: u32, cols: u32, eps: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
#if SAVE_RSTD
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;
#else
@group(0) @binding(3) var<uniform> params: Params;
#endif

#include "lib/workgroup_reduce.wgsl"

@compute @workgroup_size(${WG}, ${ROWS})
fn rms_norm(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let lane = local.x;
  let row = (group.y * groups.x + group.x) * ${ROWS}u + local.y;
  // Excess workgroups of a folded grid repeat the last row without storing it.
  let base = min(row, params.rows - 1u) * params.cols;
  var squares = 0.0;
  for (var i = lane; i < params.cols; i += ${WG}u) {
    let value = x[base + i];
    squares = fma(value, value, squares);
  }
  let r = inverseSqrt(workgroup_sum(lane, squares) / f32(params.cols) + params.eps);
  if (row >= params.rows) { return; }
  for (var i = lane; i < params.cols; i += ${WG}u) {
    y[base + i] = x[base + i] * r * w[i];
  }
#if SAVE_RSTD
  if (lane == 0u) { rstd[row] = r; }
#endif
}
