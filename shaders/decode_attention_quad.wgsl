// Attention of one new token per sequence over its cached keys, straight from the fused projection, for adapters whose
// dispatches, barriers and loads cost more than their arithmetic: out[b,h] = softmax_j(scale * rotated(q[b,h]) . k[j]) v[j].
// Keys are those of lib/sequence_keys.wgsl; the newest is rotated and used here, and stored in its cell by one quad for each
// key/value head. Nobody reads that cell, as workgroups run in no order. Nothing is stored where the slot is full or the
// sequence has finished, which gives zeros.
//
// Bindings: qkv [B, (heads + 2 kv_heads) * HS], k, v caches of heads of HP as lib/cache_cells.wgsl lays them out (f32, as
// vec4), sequences u32[B, 8] (words of src/kernels/sequence_words.ts), cosine and sine [P, HS/2], [key_class u32[positions of all
// slots]], out [B, heads, HP], [masses [layers, B, heads, 5]], [map [map_layers, B, heads, map_size]]; this call writes the rows
// from mass_row and map_row on. HP >= HS, zeros past HS.
//
// Four neighbouring threads (a quad) = up to ROWS heads that share a key/value head of one sequence; each takes every
// fourth key. For each key the loops over a head of exactly VECTORS vec4 are written out: every index is a constant, so that
// queries and sums stay in registers (or a plain stack frame), and a key is loaded once for all heads. Before and after the
// keys they end at a parameter, not a constant: unrolled by the driver they double the time that it takes to compile.
// Numerics: online softmax in f32 (Milakov & Gimelshein 2018), finite minimum, scale folded into q.

enable subgroups;

struct Params {
  batch: u32,
  heads: u32,
  kv_heads: u32,
  slots: u32,
  capacity: u32,
  prefix_capacity: u32,
  map_size: u32,
  mass_row: u32,
  map_row: u32,
  scale: f32,
  half: u32,
  head_vectors: u32,
}

#include "lib/decode_outputs.wgsl"
#include "lib/cache_cells.wgsl"
#include "lib/sequence_keys.wgsl"
#include "lib/attention_values.wgsl"
#include "lib/attention_rows.wgsl"
#include "lib/decode_tile.wgsl"
#include "lib/decode_rows.wgsl"
#include "lib/rotary_channel.wgsl"
#include "lib/fused_heads.wgsl"

const LANES = 4u;
const VECTORS = ${VECTORS}u;
const LOWEST = -1e30;

fn quad_sum(value: Rows) -> Rows {
  let pair = value + quadSwapX(value);
  return pair + quadSwapY(pair);
}

#if MAP
fn is_placed(word: u32) -> bool {
  return (word & 255u) == ${KEY_CLASS_IMAGE}u && (word >> 8u) < params.map_size;
}
#endif

@compute @workgroup_size(4)
fn decode_attention_quad(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  // The threads have to meet: nobody returns early, stores are masked.
  let valid = place_tile(group.y * groups.x + group.x);
#if MAP
  clear_map(lane, valid);
  storageBarrier();
#endif
  // The newest key is taken by the thread whose turn it is.
  let cached = visible_keys.own - select(0u, 1u, visible_keys.has_newest);
  let takes_newest = valid && visible_keys.has_newest && lane == cached % LANES;
  let stores_newest = valid && visible_keys.has_newest && first % (params.heads / params.kv_heads) == 0u;
  // Every thread rotates a fourth of the queries' vectors and of those of the newest key and value.
  var own: array<vec4f, ${SHARE}>;
  for (var i = 0u; LANES * i < (${ROWS}u + 2u) * params.head_vectors; i++) {
    let row = (i * LANES + lane) / VECTORS;
    let d = (i * LANES + lane) % VECTORS;
    let newest_head = params.heads + kv_head + select(0u, params.kv_heads, row > ${ROWS}u);
    own[i] = fused_vector(select(first + min(row, live - 1u), newest_head, row >= ${ROWS}u), d, row <= ${ROWS}u);
    if (stores_newest && row == ${ROWS}u) {
      k[key_at(1u, cached) + d] = own[i];
    }
    if (stores_newest && row == ${ROWS}u + 1u) {
      v[key_at(1u, cached) + d] = own[i];
    }
  }
#for d in 0..VECTORS
  let newest_key_${d} = quadBroadcast(own[(${ROWS} * ${VECTORS} + ${d}) / 4], (${ROWS} * ${VECTORS} + ${d}) % 4);
  let newest_value_${d} = quadBroadcast(own[((${ROWS} + 1) * ${VECTORS} + ${d}) / 4], ((${ROWS} + 1) * ${VECTORS} + ${d}) % 4);
#endfor
  var newest_score = Rows(0f);
#for r in 0..ROWS
#for d in 0..VECTORS
  let q_${r}_${d} = params.scale * quadBroadcast(own[(${r} * ${VECTORS} + ${d}) / 4], (${r} * ${VECTORS} + ${d}) % 4);
  var sum_${r}_${d} = select(vec4f(0f), newest_value_${d}, takes_newest);
#if ROWS == 1
  newest_score += dot(q_${r}_${d}, newest_key_${d});
#else
  newest_score[${r}] += dot(q_${r}_${d}, newest_key_${d});
#endif
#endfor
#endfor
  var m = select(Rows(LOWEST), newest_score, takes_newest);
  var l = select(Rows(0f), Rows(1f), takes_newest);
#if CAPTURE
  let newest_word = class_at(1u, cached);
#for c in 0..KEY_CLASSES
  var mass_${c} = select(Rows(0f), l, (newest_word & 255u) == ${c}u);
#endfor
#if MAP
  if (takes_newest && is_placed(newest_word)) {
    store_score(newest_word >> 8u, newest_score);
  }
#endif
#endif

  for (var part = 0u; part < 2u; part++) {
    let end = select(visible_keys.prefix, cached, part == 1u);
    for (var key = lane; key < end; key += LANES) {
      let at = key_at(part, key);
      var s = Rows(0f);
#for d in 0..VECTORS
      let k_${d} = load_key(at + ${d}u);
#for r in 0..ROWS
#if ROWS == 1
      s += dot(q_${r}_${d}, k_${d});
#else
      s[${r}] += dot(q_${r}_${d}, k_${d});
#endif
#endfor
#endfor
      let top = max(m, s);
      let fade = exp(m - top);
      let p = exp(s - top);
      m = top;
      l = l * fade + p;
#for d in 0..VECTORS
      let v_${d} = load_value(at + ${d}u);
#for r in 0..ROWS
      sum_${r}_${d} = sum_${r}_${d} * component(fade, ${r}u) + component(p, ${r}u) * v_${d};
#endfor
#endfor
#if CAPTURE
      let word = class_at(part, key);
#for c in 0..KEY_CLASSES
      mass_${c} = mass_${c} * fade + select(Rows(0f), p, (word & 255u) == ${c}u);
#endfor
#if MAP
      if (valid && is_placed(word)) {
        store_score(word >> 8u, s);
      }
#endif
#endif
    }
  }

  let pair_top = max(m, quadSwapX(m));
  let top = max(pair_top, quadSwapY(pair_top));
  let fade = exp(m - top);
  let total = quad_sum(l * fade);
  let inverse = select(Rows(0f), Rows(1f) / max(total, Rows(1e-30)), total > Rows(0f));
  let share = fade * inverse;
  var sums: array<vec4f, ${PARTS}>;
#for r in 0..ROWS
#for d in 0..VECTORS
  sums[${r} * ${VECTORS} + ${d}] = sum_${r}_${d} * component(share, ${r}u);
#endfor
#endfor
  for (var i = 0u; i < ${ROWS}u * params.head_vectors; i++) {
    let pair = sums[i] + quadSwapX(sums[i]);
    let whole = pair + quadSwapY(pair);
    if (valid && lane == i % LANES) {
      store_out(i / VECTORS, i % VECTORS, whole);
    }
  }
#if CAPTURE
#for c in 0..KEY_CLASSES
  let class_mass_${c} = quad_sum(mass_${c} * share);
  if (valid && lane == ${c}u % LANES) {
    store_mass(${c}u, class_mass_${c});
  }
#endfor
#endif
#if MAP
  // Every thread walks the keys whose scores it stored.
  for (var part = 0u; part < 2u && valid; part++) {
    let end = select(visible_keys.prefix, visible_keys.own, part == 1u);
    for (var key = lane; key < end; key += LANES) {
      let word = class_at(part, key);
      if (is_placed(word)) {
        normalise_score(word >> 8u, top, inverse, RowsMask(true));
      }
    }
  }
#endif
}
