// Rounds f32 values to bf16, two to a word with the first in the low half, and with UNPACK widens them again, exactly.
// bf16 has f32's exponents and 8 bits of precision: nothing overflows that was finite below 3.39e38.
// Bindings: x f32 [count], y bf16 [count]; with UNPACK x bf16, y f32. One invocation = one word; an odd count leaves the
// high half of its last word zero. Rounding is to nearest, ties to even; a NaN stays one.

struct Params { count: u32 }

#if UNPACK
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
#else
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
#endif
@group(0) @binding(2) var<uniform> params: Params;

fn round_to_half(value: f32) -> u32 {
  let word = bitcast<u32>(value);
  if ((word & 0x7fffffffu) > 0x7f800000u) { return (word >> 16u) | 0x40u; }
  return (word + 0x7fffu + ((word >> 16u) & 1u)) >> 16u;
}

@compute @workgroup_size(64)
fn pack_bf16(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  let at = 2u * index;
  if (at >= params.count) { return; }
#if UNPACK
  let word = x[index];
  y[at] = bitcast<f32>(word << 16u);
  if (at + 1u < params.count) { y[at + 1u] = bitcast<f32>(word & 0xffff0000u); }
#else
  var word = round_to_half(x[at]);
  if (at + 1u < params.count) { word |= round_to_half(x[at + 1u]) << 16u; }
  y[index] = word;
#endif
}
