// An activation function on every element, or the gradient through it: y = f(x), or dx = dy * f'(x).
// Bindings: x [count], y [count]; with BACKWARD x [count], dy [count], dx [count].
// One invocation = one element. FUNCTION names a function of lib/activation.wgsl.

struct Params { count: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
#if BACKWARD
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;
#else
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;
#endif

#include "lib/activation.wgsl"

@compute @workgroup_size(64)
fn activation(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= params.count) { return; }
#if BACKWARD
  dx[index] = dy[index] * ${FUNCTION}(x[index]);
#else
  y[index] = ${FUNCTION}(x[index]);
#endif
}
