// Copies chosen rows: out[r] = x[index[r]], or with SCATTER out[index[r]] = x[r].
// Bindings: x [*, cols], index u32 [rows] (0xffffffff: gather zeros, scatter nothing), out [*, cols].
// One invocation = one element. Scattered rows must be distinct; other rows of out keep their contents.

struct Params { rows: u32, cols: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn gather_rows(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let element = (group.y * groups.x + group.x) * 64u + lane;
  let row = element / params.cols;
  if (row >= params.rows) { return; }
  let column = element % params.cols;
  let other = index[row];
#if SCATTER
  if (other == 0xffffffffu) { return; }
  out[other * params.cols + column] = x[element];
#else
  if (other == 0xffffffffu) {
    out[element] = 0.0;
  } else {
    out[element] = x[other * params.cols + column];
  }
#endif
}
