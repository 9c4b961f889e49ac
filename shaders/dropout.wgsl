// Inverted dropout with counter-based random numbers: y = kept ? x / (1 - p) : 0. Its own reverse, applied to dy.
// Element e is kept when word e mod 4 of Philox(counter = (e / 4, stream with the top bit set, draw[2], draw[3]),
//   key = (draw[0], draw[1])) is at least p * 2^32. The top bit keeps these counters apart from the sampler's.
// Bindings: x f32 [count], draw u32 [4] (seed low and high word, step, part), y f32 [count].
// x may be a part of a larger tensor: element e of the part is element 4 first_block + e.
// One invocation = four neighbouring elements, which share one Philox block; WIDE where count divides by four.
// Source: Srivastava et al. 2014 (JMLR 15); PyTorch nn.Dropout for the scaling, not for the bits.

struct Params { count: u32, threshold: u32, stream: u32, scale: f32, first_block: u32 }

#if WIDE
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> draw: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
#else
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> draw: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
#endif
@group(0) @binding(3) var<uniform> params: Params;

#include "lib/philox.wgsl"

@compute @workgroup_size(64)
fn dropout(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = (group.y * groups.x + group.x) * 64u + lane;
  if (block >= (params.count + 3u) / 4u) { return; }
  let counter = vec4u(params.first_block + block, params.stream | 0x80000000u, draw[2], draw[3]);
  let kept = philox(counter, vec2u(draw[0], draw[1])) >= vec4u(params.threshold);
#if WIDE
  y[block] = select(vec4f(0.0), x[block] * params.scale, kept);
#else
  for (var part = 0u; part < 4u; part++) {
    let element = 4u * block + part;
    if (element < params.count) { y[element] = select(0.0, x[element] * params.scale, kept[part]); }
  }
#endif
}
