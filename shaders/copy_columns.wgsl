// Copies a block of columns between row-major matrices: target[r, t + c] = scale * factor[0] * source[r, s + c].
// Bindings: source [rows, source_cols], factor [1], target [rows, target_cols] (read_write).
// One invocation = one element of the block. Other columns of the target keep their contents.

struct Params {
  rows: u32,
  cols: u32,
  source_cols: u32,
  source_first: u32,
  target_cols: u32,
  target_first: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> source: array<f32>;
@group(0) @binding(1) var<storage, read> factor: array<f32>;
@group(0) @binding(2) var<storage, read_write> destination: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn copy_columns(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let element = (group.y * groups.x + group.x) * 64u + lane;
  let row = element / params.cols;
  if (row >= params.rows) { return; }
  let column = element % params.cols;
  let value = source[row * params.source_cols + params.source_first + column] * (params.scale * factor[0]);
  let at = row * params.target_cols + params.target_first + column;
  destination[at] = value;
}
