// First half of a global norm: sums of squares of chunks of a gradient arena, and whether a chunk is finite.
// Bindings: gradient [count], partials [chunks, 2] = sum of squares, number of non-finite elements.
// ${WG} invocations = one chunk, ${ROWS} chunks = one workgroup. Finiteness is read from bits: compilers may assume it.

struct Params { count: u32, chunk: u32, chunks: u32 }

@group(0) @binding(0) var<storage, read> gradient: array<f32>;
@group(0) @binding(1) var<storage, read_write> partials: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

#include "lib/workgroup_reduce.wgsl"

@compute @workgroup_size(${WG}, ${ROWS})
fn square_sum(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let lane = local.x;
  let chunk = group.x * ${ROWS}u + local.y;
  let start = min(chunk, params.chunks) * params.chunk;
  let end = min(start + params.chunk, params.count);
  var squares = 0.0;
  var broken = 0.0;
  for (var i = start + lane; i < end; i += ${WG}u) {
    let value = gradient[i];
    let finite = (bitcast<u32>(value) & 0x7f800000u) != 0x7f800000u;
    squares = select(squares, fma(value, value, squares), finite);
    broken += select(1.0, 0.0, finite);
  }
  let sum = workgroup_sum(lane, squares);
  let count = workgroup_sum(lane, broken);
  if (chunk >= params.chunks || lane != 0u) { return; }
  partials[2u * chunk] = sum;
  partials[2u * chunk + 1u] = count;
}
