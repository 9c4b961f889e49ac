// dk[j] = scale * sum_t sum_h p (dOut[t,h] . v[j] - delta[t,h]) q[t,h],  dv[j] = sum_t sum_h p dOut[t,h],
// p = exp(scale * q[t,h] . k[j] - lse[t,h]), over the rows t that see key j (as in segment_attention) and the heads h
// that share key j's head. Keys that no row sees get zeros.
//
// Bindings: q [tokens, heads, HS], k, v [keys, kv_heads, HS], ranges u32[tokens, 4], stats [tokens, heads, 2] =
// {lse, delta}, dOut as q, dk, dv as k. One workgroup (stream) or thread (direct) = ROWS neighbouring keys of one
// key/value head; it first finds the rows that see any of them. Sums run over heads, then rows, in a fixed order: no
// atomics.
// Numerics: f32; p is recomputed from lse (Dao et al. 2022), never stored.

#include "lib/attention_backward_operands.wgsl"
@group(0) @binding(6) var<storage, read_write> dk: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dv: array<vec4f>;
@group(0) @binding(8) var<uniform> params: Params;

#include "lib/attention_rows.wgsl"
#include "lib/attention_backward_stream.wgsl"
#include "lib/attention_backward_direct.wgsl"

var<private> kv_head: u32;
var<private> first: u32;
var<private> last: u32;
var<private> group_size: u32;
var<private> keys: RowsIndex;

fn place(item: u32) -> bool {
  kv_head = item % params.kv_heads;
  first = (item / params.kv_heads) * ${ROWS}u;
  last = min(first + ${ROWS}u, params.keys);
  group_size = params.heads / params.kv_heads;
  keys = RowsIndex(first)${KEY_STEPS};
  return first < params.keys;
}

/// Whether a row sees any key of the tile.
fn meets(row: u32) -> bool {
  let range = ranges[row];
  return max(first, range.x) < min(last, range.y) || max(first, range.z) < min(last, range.w);
}

// find_spans: rows that see any key of the tile, first and one past the last.
#if STREAM
var<workgroup> bounds: array<vec2u, ${LANES}>;

fn find_spans(lane: u32, valid: bool) -> vec4u {
  var mine = vec2u(0xffffffffu, 0u);
  for (var row = lane; row < params.tokens; row += LANES) {
    if (meets(row)) {
      mine = vec2u(min(mine.x, row), row + 1u);
    }
  }
  bounds[lane] = mine;
  workgroupBarrier();
  if (lane == 0u) {
    for (var i = 1u; i < LANES; i++) {
      mine = vec2u(min(mine.x, bounds[i].x), max(mine.y, bounds[i].y));
    }
    spans = select(vec4u(0u), vec4u(min(mine.x, mine.y), mine.y, 0u, 0u), valid);
  }
  return workgroupUniformLoad(&spans);
}
#else
fn find_spans() -> vec4u {
  var begin = 0u;
  while (begin < params.tokens && !meets(begin)) {
    begin++;
  }
  var end = params.tokens;
  while (end > begin && !meets(end - 1u)) {
    end--;
  }
  return vec4u(begin, end, 0u, 0u);
}
#endif

fn part_count() -> u32 {
  return params.heads / params.kv_heads;
}

fn span_of(span: vec4u, part: u32) -> vec2u {
  return span.xy;
}

fn visible(part: u32, row: u32) -> RowsMask {
  let range = ranges[row];
#if ROWS == 1
  return keys >= range.x && keys < range.y || keys >= range.z && keys < range.w;
#else
  let in_prefix = (keys >= RowsIndex(range.x)) & (keys < RowsIndex(range.y));
  let in_own = (keys >= RowsIndex(range.z)) & (keys < RowsIndex(range.w));
  return in_prefix | in_own;
#endif
}

fn key_at(row: u32) -> u32 {
  return (min(first + row, params.keys - 1u) * params.kv_heads + kv_head) * params.head_vectors;
}

fn load_a(row: u32, d: u32) -> vec4f {
  return k[key_at(row) + d];
}

fn load_b(row: u32, d: u32) -> vec4f {
  return v[key_at(row) + d];
}

fn query_at(part: u32, row: u32) -> u32 {
  return row * params.heads + kv_head * group_size + part;
}

fn stream_at(part: u32, row: u32) -> u32 {
  return query_at(part, row) * params.head_vectors;
}

fn load_x(at: u32) -> vec4f {
  return q[at];
}

fn load_y(at: u32) -> vec4f {
  return d_out[at];
}

fn lse_of(part: u32, row: u32) -> Rows {
  return Rows(stats[query_at(part, row)].x);
}

fn delta_of(part: u32, row: u32) -> Rows {
  return Rows(stats[query_at(part, row)].y);
}

fn store_first(row: u32, d: u32, value: vec4f) {
  if (first + row < params.keys) {
    dk[key_at(row) + d] = value;
  }
}

fn store_second(row: u32, d: u32, value: vec4f) {
  if (first + row < params.keys) {
    dv[key_at(row) + d] = value;
  }
}
