// Copies keys and values of many tokens into their cache cells, as prefill does.
// Bindings: k and v [T, NKV, HS], targets [T, 2] = slot (0xffffffff: skip the token), index,
//   k_cache and v_cache as lib/cache_cells.wgsl lays them out. Distinct tokens must have distinct targets.
// One invocation = one word of one token's keys and values: an element, or with CACHE_F16 two neighbouring ones, which
// round to f16. An index past the slot's capacity is skipped.

struct Params {
  tokens: u32,
  kv_heads: u32,
  /// Words of a head.
  head_words: u32,
  slots: u32,
  capacity: u32,
  prefix_capacity: u32,
}

@group(0) @binding(0) var<storage, read> k: array<f32>;
@group(0) @binding(1) var<storage, read> v: array<f32>;
@group(0) @binding(2) var<storage, read> targets: array<vec2u>;
#if CACHE_F16
@group(0) @binding(3) var<storage, read_write> k_cache: array<u32>;
@group(0) @binding(4) var<storage, read_write> v_cache: array<u32>;
#else
@group(0) @binding(3) var<storage, read_write> k_cache: array<f32>;
@group(0) @binding(4) var<storage, read_write> v_cache: array<f32>;
#endif
@group(0) @binding(5) var<uniform> params: Params;

#include "lib/cache_cells.wgsl"

@compute @workgroup_size(64)
fn kv_append(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  let word = index % params.head_words;
  let head = index / params.head_words % params.kv_heads;
  let token = index / params.head_words / params.kv_heads;
  if (token >= params.tokens) { return; }
  let cell = targets[token];
  if (cell.x == 0xffffffffu) { return; }
  let span = slot_span(cell.x);
  if (cell.y >= span.y) { return; }
  let to = (head_start(span, head) + cell.y) * params.head_words + word;
#if CACHE_F16
  k_cache[to] = pack_pair(k[2u * index], k[2u * index + 1u]);
  v_cache[to] = pack_pair(v[2u * index], v[2u * index + 1u]);
#else
  k_cache[to] = k[index];
  v_cache[to] = v[index];
#endif
}
