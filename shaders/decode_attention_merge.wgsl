// Combines what decode_attention_split found of each split of a sequence's keys (Dao et al. 2023, "Flash-Decoding"):
//   M = max_i m[i],  L = sum_i l[i] exp(m[i] - M),  out = sum_i o[i] exp(m[i] - M) / L,
// and with CAPTURE sums p[j] = exp(s[j] - M) / L over the keys of each class, with MAP also writes p of each image token.
// A finished sequence gives zeros everywhere, and so does a place of the map without a key.
//
// Bindings: partials [B, heads, splits, HP + 4] (lib/key_splits.wgsl, as vec4), sequences u32[B, 8], [scores [B, heads, keys],
// key_class u32[positions of all slots]], out [B, heads, HP], [masses [layers, B, heads, 5]], [map [map_layers, B, heads, map_size]];
// this call writes the rows from mass_row and map_row on.
//
// One workgroup = one head of one sequence; its threads share out channels, then keys. Sums are in a fixed order.

struct Params {
  batch: u32,
  heads: u32,
  kv_heads: u32,
  slots: u32,
  capacity: u32,
  prefix_capacity: u32,
  head_vectors: u32,
  splits: u32,
  keys: u32,
  map_size: u32,
  mass_row: u32,
  map_row: u32,
}

@group(0) @binding(0) var<storage, read> partials: array<vec4f>;
@group(0) @binding(1) var<storage, read> sequences: array<u32>;
#if CAPTURE
@group(0) @binding(2) var<storage, read> scores: array<f32>;
#endif

#include "lib/decode_outputs.wgsl"
#include "lib/cache_cells.wgsl"
#include "lib/sequence_keys.wgsl"
#include "lib/key_splits.wgsl"

const LANES = ${LANES}u;
#if CAPTURE
var<workgroup> sums: array<f32, ${SUMS}>;
#endif

/// Largest score of a split, and its sum.
fn split_sums(row: u32, portion: u32) -> vec2f {
  return partials[part_at(row, portion) + params.head_vectors].xy;
}

@compute @workgroup_size(${LANES})
fn decode_attention_merge(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = group.y * groups.x + group.x;
  let last = params.batch * params.heads - 1u;
  let valid = item <= last;
  let row = min(item, last);
  let visible_keys = sequence_keys(row / params.heads);
  let keys = visible_keys.prefix + visible_keys.own;
  let size = max(split_size(keys), 1u);
  let splits = (keys + size - 1u) / size;

  var top = -1e30;
  for (var portion = 0u; portion < splits; portion++) {
    top = max(top, split_sums(row, portion).x);
  }
  var total = 0f;
  for (var portion = 0u; portion < splits; portion++) {
    let found = split_sums(row, portion);
    total += found.y * exp(found.x - top);
  }
  let inverse = select(0f, 1f / max(total, 1e-30), total > 0f);
  if (valid) {
    for (var d = lane; d < params.head_vectors; d += LANES) {
      var sum = vec4f(0f);
      for (var portion = 0u; portion < splits; portion++) {
        sum += exp(split_sums(row, portion).x - top) * partials[part_at(row, portion) + d];
      }
      out[row * params.head_vectors + d] = sum * inverse;
    }
  }
#if MAP
  let map_row = (params.map_row + row) * params.map_size;
  if (valid) {
    for (var i = lane; i < params.map_size; i += LANES) {
      map[map_row + i] = 0f;
    }
  }
  storageBarrier();
#endif
#if CAPTURE
#for c in 0..KEY_CLASSES
  var mass_${c} = 0f;
#endfor
  for (var key = lane; key < keys; key += LANES) {
    let p = exp(scores[row * params.keys + key] - top) * inverse;
    let is_own = key >= visible_keys.prefix;
    let word = key_class[select(visible_keys.prefix_span.x + key, visible_keys.own_span.x + key - visible_keys.prefix, is_own)];
    let kind = word & 255u;
#for c in 0..KEY_CLASSES
    mass_${c} += select(0f, p, kind == ${c}u);
#endfor
#if MAP
    if (valid && kind == ${KEY_CLASS_IMAGE}u && (word >> 8u) < params.map_size) {
      map[map_row + (word >> 8u)] = p;
    }
#endif
  }
#for c in 0..KEY_CLASSES
  sums[${c}u * LANES + lane] = mass_${c};
#endfor
  workgroupBarrier();
  if (valid && lane < ${KEY_CLASSES}u) {
    var sum = 0f;
    for (var i = 0u; i < LANES; i++) {
      sum += sums[lane * LANES + i];
    }
    masses[(params.mass_row + row) * ${KEY_CLASSES}u + lane] = sum;
  }
#endif
}
