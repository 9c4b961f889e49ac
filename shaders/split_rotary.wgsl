// Splits a fused projection into q, k, v and rotates q and k (RoFormer; rotate_half pairing j, j + HS/2):
//   y[j] = x[j] * cos[j] - x[j + HS/2] * sin[j],  y[j + HS/2] = x[j + HS/2] * cos[j] + x[j] * sin[j].
// Bindings: qkv [T, (NH + 2 NKV) * HS], cos and sin [P, HS/2], rows [T] (table row of each token),
//   q [T, NH, HP], k and v [T, NKV, HP]; HP >= HS, and what lies past HS is set to 0.
// With APPEND, rows is replaced by sequences [T, 8] (src/kernels/sequence_words.ts), and k and v by caches of heads of HP
//   as lib/cache_cells.wgsl lays them out; a finished sequence, or an index past the slot's capacity, stores nothing there.
// One invocation = one pair of one head; of a cache in f16, one word of a head, which holds two neighbouring channels. Tables come from the CPU: WGSL sin and cos are too coarse.

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> cosine: array<f32>;
@group(0) @binding(2) var<storage, read> sine: array<f32>;
@group(0) @binding(3) var<storage, read> rows: array<u32>;
@group(0) @binding(4) var<storage, read_write> q: array<f32>;
#if CACHE_F16
@group(0) @binding(5) var<storage, read_write> k: array<u32>;
@group(0) @binding(6) var<storage, read_write> v: array<u32>;
#else
@group(0) @binding(5) var<storage, read_write> k: array<f32>;
@group(0) @binding(6) var<storage, read_write> v: array<f32>;
#endif

#include "lib/rotary_pair.wgsl"
#include "lib/cache_cells.wgsl"
#include "lib/rotary_channel.wgsl"

@compute @workgroup_size(64)
fn split_rotary(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let place = pair_at(group, groups, lane);
  if (place.token >= params.tokens) { return; }
  let half = params.half;
  let pair = place.channel;
  let head = place.head;
  let token = place.token;
  let low = qkv[place.fused];
  let high = qkv[place.fused + half];
#if APPEND
  let table = rows[${SEQUENCE_WORDS}u * token + ${SEQUENCE_POSITION}u] * half;
#else
  let table = rows[token] * half;
#endif
  let c = cosine[table + pair];
  let s = sine[table + pair];
  let rotated = vec2f(low * c - high * s, high * c + low * s);
  // The first pair of a head clears what pads it.
  let padding = select(params.stride, 2u * half, pair == 0u);
  if (head < params.heads) {
    let start = (token * params.heads + head) * params.stride;
    q[start + pair] = rotated.x;
    q[start + pair + half] = rotated.y;
    for (var i = padding; i < params.stride; i++) { q[start + i] = 0.0; }
    return;
  }
  let kv = head - params.heads;
  let is_value = kv >= params.kv_heads;
  let kv_head = select(kv, kv - params.kv_heads, is_value);
#if APPEND
  let at = rows[${SEQUENCE_WORDS}u * token + ${SEQUENCE_LENGTH}u];
  let span = slot_span(rows[${SEQUENCE_WORDS}u * token + ${SEQUENCE_SLOT}u]);
  if (rows[${SEQUENCE_WORDS}u * token + ${SEQUENCE_DONE}u] != 0u || at >= span.y) { return; }
  let cell = head_start(span, kv_head) + at;
#else
  let cell = token * params.kv_heads + kv_head;
#endif
#if CACHE_F16
  let words = cell * (params.stride / 2u);
  let fused = place.fused - pair;
  let first = 2u * pair;
  if (is_value) {
    v[words + pair] = pack_pair(qkv[fused + first], qkv[fused + first + 1u]);
    for (var i = padding / 2u; i < params.stride / 2u; i++) { v[words + i] = 0u; }
  } else {
    k[words + pair] = pack_pair(turned(fused, first, table), turned(fused, first + 1u, table));
    for (var i = padding / 2u; i < params.stride / 2u; i++) { k[words + i] = 0u; }
  }
#else
  let start = cell * params.stride;
  if (is_value) {
    v[start + pair] = low;
    v[start + pair + half] = high;
    for (var i = padding; i < params.stride; i++) { v[start + i] = 0.0; }
  } else {
    k[start + pair] = rotated.x;
    k[start + pair + half] = rotated.y;
    for (var i = padding; i < params.stride; i++) { k[start + i] = 0.0; }
  }
#endif
}
