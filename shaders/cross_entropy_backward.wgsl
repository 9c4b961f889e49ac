// Gradient of weighted negative log-probabilities: d_logits = weight * (softmax(z) - onehot(label)) / temperature.
// Bindings: logits [rows, cols], labels i32 [rows] (negative: zero gradient), lse [rows], weight [rows],
//   d_logits [rows, cols]; with IN_PLACE d_logits [rows, cols] holding the logits, labels, lse, weight.
// One invocation = one element. weight is d loss / d(-logp) of the row.

struct Params { rows: u32, cols: u32, inverse_temperature: f32 }

#if IN_PLACE
@group(0) @binding(0) var<storage, read_write> d_logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;
#else
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read_write> d_logits: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;
#endif

@compute @workgroup_size(64)
fn cross_entropy_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  let row = index / params.cols;
  if (row >= params.rows) { return; }
  let label = labels[row];
#if IN_PLACE
  let logit = d_logits[index];
#else
  let logit = logits[index];
#endif
  let exponent = clamp(logit, -1e30, 1e30) * params.inverse_temperature - lse[row];
  let p = exp(clamp(exponent, -100.0, 0.0));
  let hit = select(0.0, 1.0, label >= 0 && index % params.cols == u32(label));
  let gradient = weight[row] * params.inverse_temperature * (p - hit);
  d_logits[index] = select(gradient, 0.0, label < 0);
}
