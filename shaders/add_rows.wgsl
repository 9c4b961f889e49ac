// Adds chosen rows of one matrix to the rows of another: out[t] = x[t] + source[rows[t] + offset], or x[t] where
// rows[t] < 0.
// Bindings: x [count, cols], source [*, cols], rows i32 [count], out [count, cols].
// One invocation = one element. Indices are trusted.

struct Params { count: u32, cols: u32, offset: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read> rows: array<i32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn add_rows(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let element = (group.y * groups.x + group.x) * 64u + lane;
  let row = element / params.cols;
  if (row >= params.count) { return; }
  var value = x[element];
  if (rows[row] >= 0) {
    value += source[(u32(rows[row]) + params.offset) * params.cols + element % params.cols];
  }
  out[element] = value;
}
