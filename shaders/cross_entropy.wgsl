// Log-probability of the label, logsumexp and entropy of softmax(logits / temperature), row by row.
//   lse = log sum exp(z),  logp = z[label] - lse,  entropy = lse - sum p z,  with z = logits / temperature.
// Bindings: logits [rows, cols], labels i32 [rows] (negative: ignored, logp 0), logp [rows], lse [rows], entropy [rows].
// ${WG} invocations = one row, ${ROWS} rows = one workgroup. Entropy and lse are written for ignored rows too.

struct Params { rows: u32, cols: u32, inverse_temperature: f32 }

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read_write> logp: array<f32>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;
@group(0) @binding(4) var<storage, read_write> entropy: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

#include "lib/workgroup_reduce.wgsl"

fn scaled(at: u32) -> f32 {
  return clamp(logits[at], -1e30, 1e30) * params.inverse_temperature;
}

@compute @workgroup_size(${WG}, ${ROWS})
fn cross_entropy(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let lane = local.x;
  let row = (group.y * groups.x + group.x) * ${ROWS}u + local.y;
  let base = min(row, params.rows - 1u) * params.cols;
  var largest = -3e38;
  for (var i = lane; i < params.cols; i += ${WG}u) { largest = max(largest, scaled(base + i)); }
  let top = workgroup_max(lane, largest);
  var mass = 0.0;
  var moment = 0.0;
  for (var i = lane; i < params.cols; i += ${WG}u) {
    let exponent = scaled(base + i) - top;
    let e = exp(max(exponent, -100.0));
    mass += e;
    moment = fma(e, max(exponent, -100.0), moment);
  }
  let total = workgroup_sum(lane, mass);
  let mean = workgroup_sum(lane, moment) / total;
  if (row >= params.rows || lane != 0u) { return; }
  let log_total = log(total);
  lse[row] = top + log_total;
  entropy[row] = log_total - mean;
  let label = labels[row];
  if (label < 0) {
    logp[row] = 0.0;
  } else {
    // Relative to the maximum: a large common offset of the logits costs no digits.
    logp[row] = (scaled(base + min(u32(label), params.cols - 1u)) - top) - log_total;
  }
}
