// Log-probability of each row's label under softmax(z), z = logits / temperature, one chunk of the vocabulary at a time.
// Running state per row over chunks: m = max z, s = sum e^(z-m), t = sum e^(z-m) (z-m), z of the label, best id.
//   lse = m + log s,  logp = (z[label] - m) - log s,  entropy = log s - t / s.
// Bindings: logits [rows, cols] of ids first..first+cols-1, labels i32 [rows] (negative: ignored, logp 0),
//   state f32 [rows, 5]; with LAST also logp [rows], lse [rows], entropy [rows], argmax u32 [rows].
// ${WG} invocations = one row, ${ROWS} rows = one workgroup. f32; chunks merge in order, so results repeat bit for bit.

struct Params { rows: u32, cols: u32, first: u32, inverse_temperature: f32 }

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read_write> state: array<f32>;
#if LAST
@group(0) @binding(3) var<storage, read_write> logp: array<f32>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;
@group(0) @binding(5) var<storage, read_write> entropy: array<f32>;
@group(0) @binding(6) var<storage, read_write> argmax: array<u32>;
@group(0) @binding(7) var<uniform> params: Params;
#else
@group(0) @binding(3) var<uniform> params: Params;
#endif

#include "lib/workgroup_reduce.wgsl"

fn scaled(at: u32) -> f32 {
  return clamp(logits[at], -1e30, 1e30) * params.inverse_temperature;
}

@compute @workgroup_size(${WG}, ${ROWS})
fn token_logp(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let lane = local.x;
  let row = (group.y * groups.x + group.x) * ${ROWS}u + local.y;
  let safe = min(row, params.rows - 1u);
  let base = safe * params.cols;
  var largest = -3e38;
  for (var i = lane; i < params.cols; i += ${WG}u) { largest = max(largest, scaled(base + i)); }
  let top = workgroup_max(lane, largest);
  var mass = 0.0;
  var moment = 0.0;
  // The lowest id that attains the maximum, negated so that a maximum finds it.
  var best = -3e38;
  for (var i = lane; i < params.cols; i += ${WG}u) {
    let exponent = max(scaled(base + i) - top, -100.0);
    let e = exp(exponent);
    mass += e;
    moment = fma(e, exponent, moment);
    if (scaled(base + i) == top) { best = max(best, -f32(i)); }
  }
  let total = workgroup_sum(lane, mass);
  let mean = workgroup_sum(lane, moment);
  let place = u32(-workgroup_max(lane, best));
  if (row >= params.rows || lane != 0u) { return; }
  merge(row, base, top, total, mean, place);
}

fn merge(row: u32, base: u32, top: f32, total: f32, mean: f32, place: u32) {
  let at = row * 5u;
  var m = top;
  var s = total;
  var t = mean;
  var id = params.first + place;
  let label = labels[row];
  var hit = 0.0;
#if !FIRST
  let before = state[at];
  hit = state[at + 3u];
  m = max(before, top);
  let old = exp(max(before - m, -100.0));
  let new_ = exp(max(top - m, -100.0));
  s = state[at + 1u] * old + total * new_;
  t = old * fma(state[at + 1u], before - m, state[at + 2u]) + new_ * fma(total, top - m, mean);
  if (before >= top) { id = bitcast<u32>(state[at + 4u]); }
#endif
  if (label >= i32(params.first) && label < i32(params.first + params.cols)) {
    hit = scaled(base + u32(label) - params.first);
  }
#if LAST
  let log_total = log(s);
  lse[row] = m + log_total;
  entropy[row] = log_total - t / s;
  argmax[row] = id;
  logp[row] = select((hit - m) - log_total, 0.0, label < 0);
#endif
  state[at] = m;
  state[at + 1u] = s;
  state[at + 2u] = t;
  state[at + 3u] = hit;
  state[at + 4u] = bitcast<f32>(id);
}
