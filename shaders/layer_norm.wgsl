// LayerNorm: y = (x - mean) * rstd * w + b with rstd = 1 / sqrt(mean((x - mean)^2) + eps)  (Ba et al. 2016).
// Bindings: x [rows, cols], w [cols], b [cols], y [rows, cols], [stats [rows, 2] = mean, rstd with SAVE_STATS].
// ${WG} invocations = one row, ${ROWS} rows = one workgroup. The variance is two-pass: no cancellation for a large mean.

struct Params { rows: u32, cols: u32, eps: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
#if SAVE_STATS
@group(0) @binding(4) var<storage, read_write> stats: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;
#else
@group(0) @binding(4) var<uniform> params: Params;
#endif

#include "lib/workgroup_reduce.wgsl"

@compute @workgroup_size(${WG}, ${ROWS})
fn layer_norm(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let lane = local.x;
  let row = (group.y * groups.x + group.x) * ${ROWS}u + local.y;
  let base = min(row, params.rows - 1u) * params.cols;
  var sum = 0.0;
  for (var i = lane; i < params.cols; i += ${WG}u) { sum += x[base + i]; }
  let mean = workgroup_sum(lane, sum) / f32(params.cols);
  var squares = 0.0;
  for (var i = lane; i < params.cols; i += ${WG}u) {
    let centred = x[base + i] - mean;
    squares = fma(centred, centred, squares);
  }
  let r = inverseSqrt(workgroup_sum(lane, squares) / f32(params.cols) + params.eps);
  if (row >= params.rows) { return; }
  for (var i = lane; i < params.cols; i += ${WG}u) {
    y[base + i] = fma((x[base + i] - mean) * r, w[i], b[i]);
  }
#if SAVE_STATS
  if (lane == 0u) {
    stats[2u * row] = mean;
    stats[2u * row + 1u] = r;
  }
#endif
}
