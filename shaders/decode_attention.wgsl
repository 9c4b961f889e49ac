// One new query per sequence over its cached keys: out[b,h] = softmax_j(scale * q[b,h] . K[j, h / G]) V[j, h / G].
// Visible keys: positions [0, prefixLength) of slot prefixSlot, then [0, length] of slot `slot` (the new key included).
// A finished sequence gives zeros everywhere.  G = heads / kv_heads.
//
// Bindings: q [B, heads, HS], k, v caches as lib/cache_cells.wgsl lays them out (all as vec4), sequences u32[B, 8] (words of
// src/kernels/sequence_words.ts), [key_class u32[positions of all slots]], out [B, heads, HS],
// [masses [layers, B, heads, 5]], [map [map_layers, B, heads, map_size]]; this call writes the rows from mass_row and map_row on.
//
// One workgroup (stream) or thread (direct) = up to ROWS heads that share a key/value head of one sequence.
// Numerics: online softmax in f32 (Milakov & Gimelshein 2018; Dao et al. 2022), finite minimum, scale folded into q.

struct Params {
  batch: u32,
  heads: u32,
  kv_heads: u32,
  slots: u32,
  capacity: u32,
  prefix_capacity: u32,
  scale: f32,
  map_size: u32,
  head_vectors: u32,
  mass_row: u32,
  map_row: u32,
}

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(3) var<storage, read> sequences: array<u32>;

#include "lib/decode_outputs.wgsl"
#include "lib/cache_cells.wgsl"
#include "lib/sequence_keys.wgsl"
#include "lib/attention_values.wgsl"
#include "lib/attention_rows.wgsl"
#include "lib/decode_tile.wgsl"
#include "lib/decode_rows.wgsl"
#include "lib/attention_stream.wgsl"
#include "lib/attention_direct.wgsl"

/// Takes workgroup `item` to its sequence and heads; false past the last.
fn place(item: u32) -> bool {
  return place_tile(item);
}

fn load_spans() -> vec4u {
  return vec4u(0u, visible_keys.prefix, 0u, visible_keys.own);
}

fn load_query(row: u32, d: u32) -> vec4f {
  let b = min(sequence, params.batch - 1u);
  return q[(b * params.heads + first + min(row, live - 1u)) * params.head_vectors + d];
}
