// Loads four neighbouring elements of a stored line of weights, whose length is a multiple of 4. Including files declare the
// weights as b, or include weight_load.wgsl for quantised ones; `base` counts what b holds, or words.

fn load_line(base: u32, quad: u32) -> vec4f {
#if QUANTISED
  return unpack_quad(base, quad);
#elif WEIGHT == f32
  return b[base + quad];
#else
  let words = b[base + quad];
  return vec4f(unpack_pair(words.x), unpack_pair(words.y));
#endif
}
