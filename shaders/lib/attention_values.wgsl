// Declares the keys and values of attention, at bindings 1 and 2, and reads them as vectors of four f32: stored as f32, or
// with CACHE_F16 as pairs of f16.

#if CACHE_F16
alias Stored = vec2u;

fn widen(pairs: Stored) -> vec4f {
  return vec4f(unpack2x16float(pairs.x), unpack2x16float(pairs.y));
}
#else
alias Stored = vec4f;

fn widen(value: Stored) -> vec4f {
  return value;
}
#endif

@group(0) @binding(1) var<storage, ${CACHE_ACCESS}> k: array<Stored>;
@group(0) @binding(2) var<storage, ${CACHE_ACCESS}> v: array<Stored>;

fn load_key(at: u32) -> vec4f {
  return widen(k[at]);
}

fn load_value(at: u32) -> vec4f {
  return widen(v[at]);
}
