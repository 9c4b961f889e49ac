// Binds what both attention gradients read; their outputs and the uniform follow.

struct Params {
  tokens: u32,
  keys: u32,
  heads: u32,
  kv_heads: u32,
  scale: f32,
  head_vectors: u32,
}

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read> ranges: array<vec4u>;
@group(0) @binding(4) var<storage, read> stats: array<vec2f>;
@group(0) @binding(5) var<storage, read> d_out: array<vec4f>;
