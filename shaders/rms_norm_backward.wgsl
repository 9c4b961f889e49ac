// Input gradient of RMSNorm: dx (=|+=) rstd * (w*dy) - x * rstd^3 / cols * sum(w * dy * x).
// Bindings: x [rows, cols], w [cols], rstd [rows], dy [rows, cols], dx [rows, cols].
// ${WG} invocations = one row, ${ROWS} rows = one workgroup. f32; the product rstd*x is formed first, so outliers do not overflow.
// The gradient of w is a column sum of dy * x * rstd: see column_sum.wgsl.

struct Params { rows: u32, cols: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> rstd: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

#include "lib/workgroup_reduce.wgsl"

@compute @workgroup_size(${WG}, ${ROWS})
fn rms_norm_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let lane = local.x;
  let index = (group.y * groups.x + group.x) * ${ROWS}u + local.y;
  let row = min(index, params.rows - 1u);
  let base = row * params.cols;
  let r = rstd[row];
  var dot = 0.0;
  for (var i = lane; i < params.cols; i += ${WG}u) {
    dot = fma(w[i] * dy[base + i], x[base + i] * r, dot);
  }
  let mean = workgroup_sum(lane, dot) / f32(params.cols);
  if (index >= params.rows) { return; }
  for (var i = lane; i < params.cols; i += ${WG}u) {
    let value = r * (w[i] * dy[base + i] - x[base + i] * r * mean);
#if ACCUMULATE
    dx[base + i] += value;
#else
    dx[base + i] = value;
#endif
  }
}
