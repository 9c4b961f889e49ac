// Says which head of the fused projection [T, (NH + 2 NKV) * HS] the invocations of a head_norm kernel share, and
// computes its root mean square. Heads come in the order queries, keys, values. Including files declare qkv, q_weight,
// k_weight and params.

struct Params { tokens: u32, heads: u32, kv_heads: u32, size: u32, eps: f32 }

const QUERY = 0u;
const KEY = 1u;
const VALUE = 2u;

struct Head {
  /// Index of the head's first element.
  base: u32,
  kind: u32,
  /// False for excess workgroups of a folded grid, which repeat the last head without storing it.
  live: bool,
}

#include "lib/workgroup_reduce.wgsl"

fn head_at(group: vec3u, groups: vec3u, row: u32) -> Head {
  let slots = params.heads + 2u * params.kv_heads;
  let index = (group.y * groups.x + group.x) * ${ROWS}u + row;
  let last = params.tokens * slots - 1u;
  let slot = min(index, last) % slots;
  let kind = select(select(VALUE, KEY, slot < params.heads + params.kv_heads), QUERY, slot < params.heads);
  return Head(min(index, last) * params.size, kind, index <= last);
}

fn head_weight(kind: u32, i: u32) -> f32 {
  if (kind == QUERY) { return q_weight[i]; }
  return k_weight[i];
}

/// 1 / sqrt(mean(x^2) + eps) of the head at `base`; every invocation of the workgroup must call.
fn head_rstd(lane: u32, base: u32) -> f32 {
  var squares = 0.0;
  for (var i = lane; i < params.size; i += ${WG}u) {
    let value = qkv[base + i];
    squares = fma(value, value, squares);
  }
  return inverseSqrt(workgroup_sum(lane, squares) / f32(params.size) + params.eps);
}
