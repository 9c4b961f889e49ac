// out[t,h] = sum_j p[j] v[j, h / G],  p = softmax_j(scale * q[t,h] . k[j, h / G])  over the keys j that row t sees:
// [prefixBegin, prefixEnd) and [ownBegin, ownEnd) of ranges[t] (disjoint).  lse[t,h] = log sum_j exp(score).
// A row that sees nothing gives out = 0 and lse = 0.  G = heads / kv_heads.
//
// Bindings: q [tokens, heads, HS], k, v [keys, kv_heads, HS], or [kv_heads, keys, HS] with BY_HEAD (all as vec4;
// with CACHE_F16 keys and values as pairs of f16),
// ranges u32[tokens, 4], [key_class u32[keys]],
// out as q, [lse [tokens, heads]], [masses [tokens, heads, 5]], [map [tokens, heads, map_size]].
//
// One workgroup (stream) or thread (direct) = ROWS neighbouring rows of one head, over the union of their
// ranges; rows fastest, so that neighbours walk the same keys.
// Numerics: online softmax in f32 (Milakov & Gimelshein 2018; Dao et al. 2022), finite minimum, scale folded into q.

struct Params {
  tokens: u32,
  keys: u32,
  heads: u32,
  kv_heads: u32,
  scale: f32,
  map_size: u32,
  head_vectors: u32,
}

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(3) var<storage, read> ranges: array<vec4u>;
#if CAPTURE
@group(0) @binding(${KEY_CLASS}) var<storage, read> key_class: array<u32>;
#endif
@group(0) @binding(${OUT}) var<storage, read_write> out: array<vec4f>;
#if LSE
@group(0) @binding(${LSE_AT}) var<storage, read_write> lse: array<f32>;
#endif
#if CAPTURE
@group(0) @binding(${MASSES}) var<storage, read_write> masses: array<f32>;
#endif
#if MAP
@group(0) @binding(${MAP_AT}) var<storage, read_write> map: array<f32>;
#endif
@group(0) @binding(${PARAMS}) var<uniform> params: Params;

#include "lib/attention_values.wgsl"
#include "lib/attention_rows.wgsl"
#include "lib/attention_row_ranges.wgsl"
#include "lib/attention_stream.wgsl"
#include "lib/attention_direct.wgsl"

var<private> head: u32;
var<private> first: u32;
var<private> key_offset: u32;
var<private> key_stride: u32;
/// Takes workgroup `item` to its rows; false past the last.
fn place(item: u32) -> bool {
  let tiles = (params.tokens + ${ROWS}u - 1u) / ${ROWS}u;
  head = item / tiles;
  first = item % tiles * ${ROWS}u;
  let kv_head = head / (params.heads / params.kv_heads);
#if BY_HEAD
  key_stride = params.head_vectors;
  key_offset = kv_head * params.keys * params.head_vectors;
#else
  key_stride = params.kv_heads * params.head_vectors;
  key_offset = kv_head * params.head_vectors;
#endif
  load_ranges(first);
  return head < params.heads;
}

fn load_query(row: u32, d: u32) -> vec4f {
  return q[(min(first + row, params.tokens - 1u) * params.heads + head) * params.head_vectors + d];
}

fn key_at(part: u32, key: u32) -> u32 {
  return key * key_stride + key_offset;
}

fn output_row(row: u32) -> u32 {
  return (first + row) * params.heads + head;
}

fn store_out(row: u32, d: u32, value: vec4f) {
  if (first + row < params.tokens) {
    out[output_row(row) * params.head_vectors + d] = value;
  }
}

#if LSE
fn store_lse(value: Rows) {
  for (var row = 0u; row < ${ROWS}u && first + row < params.tokens; row++) {
    lse[output_row(row)] = component(value, row);
  }
}
#endif

#if CAPTURE
fn class_at(part: u32, key: u32) -> u32 {
  return key_class[key];
}

fn store_mass(kind: u32, value: Rows) {
  for (var row = 0u; row < ${ROWS}u && first + row < params.tokens; row++) {
    masses[output_row(row) * ${KEY_CLASSES}u + kind] = component(value, row);
  }
}
#endif

#if MAP
fn clear_map(lane: u32, valid: bool) {
  if (valid) {
    for (var row = 0u; row < ${ROWS}u && first + row < params.tokens; row++) {
      for (var i = lane; i < params.map_size; i += LANES) {
        map[output_row(row) * params.map_size + i] = 0f;
      }
    }
  }
#if STREAM
  storageBarrier();
#endif
}

/// Keeps the score of an image token until its row's sum is known; rows that do not see it keep their zero.
fn store_score(place: u32, score: Rows) {
  for (var row = 0u; row < ${ROWS}u && first + row < params.tokens; row++) {
    if (component(score, row) > MASKED) {
      map[output_row(row) * params.map_size + place] = component(score, row);
    }
  }
}

fn normalise_score(place: u32, m: Rows, inverse: Rows, seen: RowsMask) {
  for (var row = 0u; row < ${ROWS}u && first + row < params.tokens; row++) {
    if (component(select(Rows(0f), Rows(1f), seen), row) > 0f) {
      let at = output_row(row) * params.map_size + place;
      map[at] = exp(map[at] - component(m, row)) * component(inverse, row);
    }
  }
}
#endif
