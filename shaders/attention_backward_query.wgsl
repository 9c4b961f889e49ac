// dq[t,h] = scale * sum_j p[j] (dOut[t,h] . v[j] - delta[t,h]) k[j],  p[j] = exp(scale * q[t,h] . k[j] - lse[t,h]),
// over the keys j that row t sees (as in segment_attention), with key/value head h / G.
//
// Bindings: q [tokens, heads, HS], k, v [keys, kv_heads, HS], ranges u32[tokens, 4], stats [tokens, heads, 2] =
// {lse, delta}, dOut as q, dq as q. One workgroup (stream) or thread (direct) = ROWS
// neighbouring rows of one head.
// Numerics: f32; p is recomputed from lse (Dao et al. 2022), never stored.

#include "lib/attention_backward_operands.wgsl"
@group(0) @binding(6) var<storage, read_write> dq: array<vec4f>;
@group(0) @binding(7) var<uniform> params: Params;

#include "lib/attention_rows.wgsl"
#include "lib/attention_row_ranges.wgsl"
#include "lib/attention_backward_stream.wgsl"
#include "lib/attention_backward_direct.wgsl"

var<private> head: u32;
var<private> first: u32;
var<private> key_offset: u32;
var<private> lse: Rows;
var<private> delta: Rows;

fn place(item: u32) -> bool {
  head = item % params.heads;
  first = (item / params.heads) * ${ROWS}u;
  key_offset = head / (params.heads / params.kv_heads) * params.head_vectors;
  load_ranges(first);
#for r in 0..ROWS
  let stat_${r} = stats[min(first + ${r}u, params.tokens - 1u) * params.heads + head];
#endfor
#if ROWS == 1
  lse = stat_0.x;
  delta = stat_0.y;
#else
#for r in 0..ROWS
  lse[${r}] = stat_${r}.x;
  delta[${r}] = stat_${r}.y;
#endfor
#endif
  return first < params.tokens;
}

#if STREAM
fn find_spans(lane: u32, valid: bool) -> vec4u {
  if (lane == 0u) {
    spans = select(vec4u(0u), load_spans(), valid);
  }
  return workgroupUniformLoad(&spans);
}
#else
fn find_spans() -> vec4u {
  return load_spans();
}
#endif

fn part_count() -> u32 {
  return 2u;
}

fn span_of(span: vec4u, part: u32) -> vec2u {
  return select(span.xy, span.zw, part == 1u);
}

fn row_at(row: u32) -> u32 {
  return (min(first + row, params.tokens - 1u) * params.heads + head) * params.head_vectors;
}

fn load_a(row: u32, d: u32) -> vec4f {
  return q[row_at(row) + d];
}

fn load_b(row: u32, d: u32) -> vec4f {
  return d_out[row_at(row) + d];
}

fn stream_at(part: u32, key: u32) -> u32 {
  return key * params.kv_heads * params.head_vectors + key_offset;
}

fn load_x(at: u32) -> vec4f {
  return k[at];
}

fn load_y(at: u32) -> vec4f {
  return v[at];
}

fn lse_of(part: u32, key: u32) -> Rows {
  return lse;
}

fn delta_of(part: u32, key: u32) -> Rows {
  return delta;
}

fn store_first(row: u32, d: u32, value: vec4f) {
  if (first + row < params.tokens) {
    dq[row_at(row) + d] = value;
  }
}
