// Binds the operands of the GEMM family and loads four consecutive elements (a "quad") of one stored line of A or B.
// A line is a row of the operand as stored: length K or M for A, N or K for B. VEC_A, VEC_B, VEC_C say that the line
// length is a multiple of 4, so quads are single loads; otherwise quads are put together: past its end a line of A
// is zero, so a line of B may hold any finite number there and repeats its last element.
// Strides and first columns count storage elements: quads where VEC, words where B is quantised, scalars otherwise.
// Callers clamp line numbers.
// A and C may be columns of wider matrices: lines lie a_stride and c_stride apart, and start at a_first and c_first.

struct Params {
  m: u32,
  n: u32,
  k: u32,
  k_quads: u32,
  a_line: u32,
  a_stride: u32,
  a_first: u32,
  b_line: u32,
  b_stride: u32,
  c_stride: u32,
  c_first: u32,
}

#if VEC_A
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
#else
@group(0) @binding(0) var<storage, read> a: array<f32>;
#endif

#if WEIGHT == f32
#if VEC_B
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
#else
@group(0) @binding(1) var<storage, read> b: array<f32>;
#endif
#else
#if !QUANTISED
#if VEC_B
@group(0) @binding(1) var<storage, read> b: array<vec2u>;
#else
@group(0) @binding(1) var<storage, read> b: array<u32>;
#endif
#endif
#include "lib/weight_load.wgsl"
#endif

@group(0) @binding(${PARAMS_BINDING}) var<uniform> params: Params;

// Where a line of A starts.
fn a_line_base(line: u32) -> u32 {
  return line * params.a_stride + params.a_first;
}

fn load_a(base: u32, quad: u32) -> vec4f {
#if VEC_A
  return a[base + quad];
#else
  let at = quad * 4u;
  let last = params.a_line - 1u;
  return vec4f(
    select(0.0, a[base + min(at, last)], at <= last),
    select(0.0, a[base + min(at + 1u, last)], at + 1u <= last),
    select(0.0, a[base + min(at + 2u, last)], at + 2u <= last),
    select(0.0, a[base + min(at + 3u, last)], at + 3u <= last),
  );
#endif
}

#if !QUANTISED
#if !VEC_B
// One element of the line of B that starts at `base`.
fn load_b_one(base: u32, at: u32) -> f32 {
#if WEIGHT == f32
  return b[base + at];
#else
  let pair = unpack_pair(b[(base + at) >> 1u]);
  return select(pair.x, pair.y, ((base + at) & 1u) == 1u);
#endif
}
#endif
#endif

fn load_b(base: u32, quad: u32) -> vec4f {
#if QUANTISED
  // Lines are padded with zeros to whole groups.
  return unpack_quad(base, quad);
#elif VEC_B
#if WEIGHT == f32
  return b[base + quad];
#else
  let words = b[base + quad];
  return vec4f(unpack_pair(words.x), unpack_pair(words.y));
#endif
#else
  let last = params.b_line - 1u;
  let at = quad * 4u;
  return vec4f(
    load_b_one(base, min(at, last)), load_b_one(base, min(at + 1u, last)),
    load_b_one(base, min(at + 2u, last)), load_b_one(base, min(at + 3u, last)));
#endif
}
