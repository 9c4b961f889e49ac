// out[t,h] = sum_j p[j] v[j, h / G],  p = softmax_j(scale * q[t,h] . k[j, h / G])  over the keys j that row t sees:
// [prefixBegin, prefixEnd) and [ownBegin, ownEnd) of ranges[t] (disjoint).  lse[t,h] = log sum_j exp(score).
// A row that sees nothing gives out = 0 and lse = 0.  G = heads / kv_heads.
//
// Bindings: q [tokens, heads, HS], k, v [keys, kv_heads, HS] (all as vec4), ranges u32[tokens, 4], [key_class u32[keys]],
// out as q, [lse [tokens, heads]], [masses [tokens, heads, 5]], [map [tokens, heads, map_size]].
//
// One workgroup = ROWS neighbouring rows of one head, over the union of their ranges; heads fastest.
// Numerics: online softmax in f32 (Milakov & Gimelshein 2018; Dao et al. 2022), finite minimum, scale folded into q.

struct Params {
  tokens: u32,
  keys: u32,
  heads: u32,
  kv_heads: u32,
  scale: f32,
  map_size: u32,
}

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
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

#include "lib/attention_stream.wgsl"

#if ROWS == 1
alias RowsIndex = u32;
#else
alias RowsIndex = vec${ROWS}<u32>;
#endif

var<private> head: u32;
var<private> first: u32;
var<private> key_offset: u32;
var<private> key_stride: u32;
/// Bounds of every row's ranges, by part; rows past the end see nothing.
var<private> begins: array<RowsIndex, 2>;
var<private> ends: array<RowsIndex, 2>;

/// Takes workgroup `item` to its rows; false past the last.
fn place(item: u32) -> bool {
  head = item % params.heads;
  first = (item / params.heads) * ${ROWS}u;
  key_stride = params.kv_heads * HS4;
  key_offset = head / (params.heads / params.kv_heads) * HS4;
#for r in 0..ROWS
  let range_${r} = select(vec4u(0u), ranges[min(first + ${r}u, params.tokens - 1u)], first + ${r}u < params.tokens);
#if ROWS == 1
  begins = array<RowsIndex, 2>(range_0.x, range_0.z);
  ends = array<RowsIndex, 2>(min(range_0.y, params.keys), min(range_0.w, params.keys));
#else
  begins[0][${r}] = range_${r}.x;
  begins[1][${r}] = range_${r}.z;
  ends[0][${r}] = min(range_${r}.y, params.keys);
  ends[1][${r}] = min(range_${r}.w, params.keys);
#endif
#endfor
  return first < params.tokens;
}

/// Union of the rows' ranges; empty ones do not widen it.
fn load_spans() -> vec4u {
  var span = vec4u(0u);
#for part in 0..2
  {
    var low = 0xffffffffu;
    var high = 0u;
#for r in 0..ROWS
#if ROWS == 1
    let begin_${r} = begins[${part}];
    let end_${r} = ends[${part}];
#else
    let begin_${r} = begins[${part}][${r}];
    let end_${r} = ends[${part}][${r}];
#endif
    if (begin_${r} < end_${r}) {
      low = min(low, begin_${r});
      high = max(high, end_${r});
    }
#endfor
    span[${part}u * 2u] = min(low, high);
    span[${part}u * 2u + 1u] = high;
  }
#endfor
  return span;
}

fn load_query(row: u32, d: u32) -> vec4f {
  return q[(min(first + row, params.tokens - 1u) * params.heads + head) * HS4 + d];
}

fn key_at(part: u32, key: u32) -> u32 {
  return key * key_stride + key_offset;
}

fn visible(part: u32, key: u32) -> RowsMask {
  let index = RowsIndex(key);
#if ROWS == 1
  return index >= begins[part] && index < ends[part];
#else
  return (index >= begins[part]) & (index < ends[part]);
#endif
}

fn output_row(row: u32) -> u32 {
  return (first + row) * params.heads + head;
}

fn store_out(row: u32, d: u32, value: vec4f) {
  if (first + row < params.tokens) {
    out[output_row(row) * HS4 + d] = value;
  }
}

/// Component `row` of a per-row value.
fn component(value: Rows, row: u32) -> f32 {
#if ROWS == 1
  return value;
#else
  return value[row];
#endif
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
    masses[output_row(row) * 5u + kind] = component(value, row);
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
  storageBarrier();
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
