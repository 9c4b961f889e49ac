// Input gradient of LayerNorm, with h = (x - mean) * rstd and g = w * dy:
//   dx (=|+=) rstd * (g - mean(g) - h * mean(g * h)).
// Bindings: x [rows, cols], w [cols], stats [rows, 2] = mean, rstd, dy [rows, cols], dx [rows, cols].
// ${WG} invocations = one row, ${ROWS} rows = one workgroup. Gradients of w and b are column sums: see column_sum.wgsl.

struct Params { rows: u32, cols: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> stats: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

#include "lib/workgroup_reduce.wgsl"

@compute @workgroup_size(${WG}, ${ROWS})
fn layer_norm_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let lane = local.x;
  let index = (group.y * groups.x + group.x) * ${ROWS}u + local.y;
  let row = min(index, params.rows - 1u);
  let base = row * params.cols;
  let mean = stats[2u * row];
  let r = stats[2u * row + 1u];
  var sum = 0.0;
  var dot = 0.0;
  for (var i = lane; i < params.cols; i += ${WG}u) {
    let g = w[i] * dy[base + i];
    sum += g;
    dot = fma(g, (x[base + i] - mean) * r, dot);
  }
  let mean_g = workgroup_sum(lane, sum) / f32(params.cols);
  let mean_gh = workgroup_sum(lane, dot) / f32(params.cols);
  if (index >= params.rows) { return; }
  for (var i = lane; i < params.cols; i += ${WG}u) {
    let value = r * (w[i] * dy[base + i] - mean_g - (x[base + i] - mean) * r * mean_gh);
#if ACCUMULATE
    dx[base + i] += value;
#else
    dx[base + i] = value;
#endif
  }
}
