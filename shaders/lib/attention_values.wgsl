// Declares the keys and values that attention reads, at bindings 1 and 2, and reads them as vectors of four f32: stored
// as f32, or with CACHE_F16 as pairs of f16.

#if CACHE_F16
@group(0) @binding(1) var<storage, read> k: array<vec2u>;
@group(0) @binding(2) var<storage, read> v: array<vec2u>;

fn widen(pairs: vec2u) -> vec4f {
  return vec4f(unpack2x16float(pairs.x), unpack2x16float(pairs.y));
}

fn load_key(at: u32) -> vec4f {
  return widen(k[at]);
}

fn load_value(at: u32) -> vec4f {
  return widen(v[at]);
}
#else
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;

fn load_key(at: u32) -> vec4f {
  return k[at];
}

fn load_value(at: u32) -> vec4f {
  return v[at];
}
#endif
