// Does nothing but fused multiply-adds, to measure how many a device does in a second: eight chains of vec4f in each
// invocation, x <- a * x + b, `rounds` times, from x = the chain's number in each of its four parts.
// Binding: y [count], the sum of the 32 ends. a and b come at run time, so that no compiler knows the ends beforehand.
// One invocation = one element of y.

struct Params { count: u32, rounds: u32, a: f32, b: f32 }

@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(64)
fn fma_peak(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= params.count) { return; }
  let a = vec4f(params.a);
  let b = vec4f(params.b);
#for i in 0..8
  var x${i} = vec4f(${i}.0);
#endfor
  for (var round = 0u; round < params.rounds; round++) {
#for i in 0..8
    x${i} = fma(a, x${i}, b);
#endfor
  }
  let sum = x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7;
  y[index] = sum.x + sum.y + sum.z + sum.w;
}
