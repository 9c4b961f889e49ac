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

fn store_out(row: u32, d: u32, value: vec4f) {
  if (row < live) {
    out[output_row(row) * params.head_vectors + d] = value;
  }
}

#if CAPTURE
fn class_at(part: u32, key: u32) -> u32 {
  return key_class[select(visible_keys.prefix_span.x, visible_keys.own_span.x, part == 1u) + key];
}

fn store_mass(kind: u32, value: Rows) {
  for (var row = 0u; row < live; row++) {
    masses[(params.mass_row + output_row(row)) * ${KEY_CLASSES}u + kind] = component(value, row);
  }
}
#endif

#if MAP
fn clear_map(lane: u32, valid: bool) {
  if (valid) {
    for (var i = lane; i < live * params.map_size; i += LANES) {
      map[(params.map_row + output_row(0u)) * params.map_size + i] = 0f;
    }
  }
#if STREAM
  storageBarrier();
#endif
}

/// Keeps the score of an image token until the head's sum is known.
fn store_score(place: u32, score: Rows) {
  for (var row = 0u; row < live; row++) {
    map[(params.map_row + output_row(row)) * params.map_size + place] = component(score, row);
  }
}

fn normalise_score(place: u32, m: Rows, inverse: Rows, seen: RowsMask) {
  for (var row = 0u; row < live; row++) {
    let at = (params.map_row + output_row(row)) * params.map_size + place;
    map[at] = exp(map[at] - component(m, row)) * component(inverse, row);
  }
}
#endif
