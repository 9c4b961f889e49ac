// Weighted sums of four rows of a table: out[r] = sum over j of weights[r, j] * table[index[r, j]].
// Bindings: table [*, cols], index u32 [rows, 4], weights [rows, 4], out [rows, cols].
// One invocation = one element; the four terms are added in order. Indices are trusted.

struct Params { rows: u32, cols: u32 }

@group(0) @binding(0) var<storage, read> table: array<f32>;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn blend_rows(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let element = (group.y * groups.x + group.x) * 64u + lane;
  let row = element / params.cols;
  if (row >= params.rows) { return; }
  let column = element % params.cols;
  var sum = 0.0;
  for (var tap = 4u * row; tap < 4u * row + 4u; tap++) {
    sum = fma(weights[tap], table[index[tap] * params.cols + column], sum);
  }
  out[element] = sum;
}
