// Element-wise arithmetic on whole buffers:
//   add: y = a + b    multiply: y = a * b    axpy: y += scale * a    scale: y = scale * a    copy: y = a    fill: y = scale
// Bindings: [a [count]], [b [count] for add and multiply], y [count]. Elements are of type ${T}: vec4f where count divides by four.
// One invocation = one element.

struct Params { count: u32, scale: f32 }

#if KIND == fill
@group(0) @binding(0) var<storage, read_write> y: array<${T}>;
@group(0) @binding(1) var<uniform> params: Params;
#elif BINARY
@group(0) @binding(0) var<storage, read> a: array<${T}>;
@group(0) @binding(1) var<storage, read> b: array<${T}>;
@group(0) @binding(2) var<storage, read_write> y: array<${T}>;
@group(0) @binding(3) var<uniform> params: Params;
#else
@group(0) @binding(0) var<storage, read> a: array<${T}>;
@group(0) @binding(1) var<storage, read_write> y: array<${T}>;
@group(0) @binding(2) var<uniform> params: Params;
#endif

@compute @workgroup_size(64)
fn elementwise(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  if (index >= params.count) { return; }
#if KIND == add
  y[index] = a[index] + b[index];
#elif KIND == multiply
  y[index] = a[index] * b[index];
#elif KIND == axpy
  y[index] += params.scale * a[index];
#elif KIND == scale
  y[index] = params.scale * a[index];
#elif KIND == copy
  y[index] = a[index];
#else
  y[index] = ${T}(params.scale);
#endif
}
