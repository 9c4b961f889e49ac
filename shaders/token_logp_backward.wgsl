// Gradient of label log-probabilities on one chunk of the vocabulary, in place of the recomputed logits:
//   d_logits = dlogp (onehot(label) - softmax(z)) / temperature, z = logits / temperature; zero for ignored rows.
// Bindings: labels i32 [rows], lse [rows], dlogp [rows], logits [rows, cols] of ids first.. (read_write, becomes d_logits).
// One invocation = one element.

struct Params { rows: u32, cols: u32, first: u32, inverse_temperature: f32 }

@group(0) @binding(0) var<storage, read> labels: array<i32>;
@group(0) @binding(1) var<storage, read> lse: array<f32>;
@group(0) @binding(2) var<storage, read> dlogp: array<f32>;
@group(0) @binding(3) var<storage, read_write> logits: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn token_logp_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let element = (group.y * groups.x + group.x) * 64u + lane;
  let row = element / params.cols;
  if (row >= params.rows) { return; }
  let label = labels[row];
  let exponent = clamp(logits[element], -1e30, 1e30) * params.inverse_temperature - lse[row];
  let p = exp(clamp(exponent, -100.0, 0.0));
  let hit = select(0.0, 1.0, label == i32(params.first + element % params.cols));
  let gradient = dlogp[row] * params.inverse_temperature * (hit - p);
  logits[element] = select(gradient, 0.0, label < 0);
}
