// Unpacks weights that are stored in fewer bits than f32; src/kernels/weight_format.ts describes the formats.
// It needs the defines WEIGHT and QUANTISED. Packed pairs: element e is in word e >> 1, low half first; every bf16 and
// every f16 is an f32, so this is exact (f16 subnormals may flush to zero). Groups: quants lie at binding 1, scales at
// binding 2, and the product of a scale with a quant is exact, too.

#if QUANTISED
@group(0) @binding(1) var<storage, read> quants: array<u32>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;

fn group_scale(group: u32) -> f32 {
  let pair = scales[group >> 1u];
  return bitcast<f32>(select(pair << 16u, pair & 0xffff0000u, (group & 1u) == 1u));
}

// Elements 4 quad to 4 quad + 3 of the row whose words begin at `base`.
fn unpack_quad(base: u32, quad: u32) -> vec4f {
#if WEIGHT == int8
  let word = quants[base + quad];
  let values = vec4f(bitcast<vec4i>(vec4u(word << 24u, word << 16u, word << 8u, word)) >> vec4u(24u));
#else
  let word = quants[base + (quad >> 3u) * 4u + (quad & 3u)] >> (quad & 4u);
  let values = vec4f(vec4u(word, word >> 8u, word >> 16u, word >> 24u) & vec4u(15u)) - 8.0;
#endif
  return group_scale(base / ${GROUP_WORDS}u + (quad >> 3u)) * values;
}
#else
fn unpack_pair(word: u32) -> vec2f {
#if WEIGHT == bf16
  return bitcast<vec2f>(vec2u(word << 16u, word & 0xffff0000u));
#else
  return unpack2x16float(word);
#endif
}
#endif
