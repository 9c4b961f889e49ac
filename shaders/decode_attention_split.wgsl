// Attention of one new token per sequence over one contiguous split of its keys (Dao et al. 2023, "Flash-Decoding"), straight
// from the fused projection. For the keys j of the split, of which the whole sequence has those of lib/sequence_keys.wgsl:
//   m = max_j s[j],  l = sum_j exp(s[j] - m),  o = sum_j exp(s[j] - m) v[j],  s[j] = scale * rotated(q) . k[j].
// The newest key is rotated and used here, rounded as the cache keeps it, and stored in its cell by one workgroup for each
// key/value head; nobody reads that cell, as workgroups run in no order. Nothing is stored where the slot is full or the
// sequence has finished, and a split without keys gives o = 0, l = 0.
//
// Bindings: qkv [B, (heads + 2 kv_heads) * HS], k, v caches of heads of HP as lib/cache_cells.wgsl lays them out (as vec4),
// sequences u32[B, 8] (words of src/kernels/sequence_words.ts), cosine and sine [P, HS/2], partials [B, heads, splits, HP + 4]
// (lib/key_splits.wgsl), [score_rows [B, heads, keys]: s by the key's number, prefix first]. HP >= HS, zeros past HS.
//
// One workgroup = up to ROWS heads that share a key/value head of one sequence, and one split.
// Numerics: online softmax in f32 (Milakov & Gimelshein 2018), finite minimum, scale folded into q.

struct Params {
  batch: u32,
  heads: u32,
  kv_heads: u32,
  slots: u32,
  capacity: u32,
  prefix_capacity: u32,
  scale: f32,
  half: u32,
  head_vectors: u32,
  splits: u32,
  keys: u32,
}

@group(0) @binding(6) var<storage, read_write> partials: array<vec4f>;
#if SCORES
@group(0) @binding(7) var<storage, read_write> score_rows: array<f32>;
#endif
@group(0) @binding(${PARAMS}) var<uniform> params: Params;

#include "lib/cache_cells.wgsl"
#include "lib/sequence_keys.wgsl"
#include "lib/key_splits.wgsl"
#include "lib/attention_values.wgsl"
#include "lib/attention_rows.wgsl"
#include "lib/decode_tile.wgsl"
#include "lib/rotary_channel.wgsl"
#include "lib/fused_heads.wgsl"
#include "lib/attention_stream.wgsl"

/// The newest key, then its value, as the cache keeps them: what is packed and unpacked at once some drivers leave unrounded.
var<workgroup> newest: array<Stored, ${NEWEST}>;
/// Number of the split, and its keys by number, without the newest.
var<private> portion: u32;
var<private> walked: vec2u;
/// Whether the newest key belongs to the split, and whether this workgroup stores it.
var<private> takes_newest: bool;
var<private> stores_newest: bool;

/// Takes workgroup `item` to its sequence, heads and keys; false past the last. Tiles of the same keys are neighbours.
fn place(item: u32) -> bool {
  let tiles = tiles_of_group();
  portion = item / tiles % params.splits;
  let valid = place_tile(item / (tiles * params.splits) * tiles + item % tiles);
  let keys = visible_keys.prefix + visible_keys.own;
  let begin = min(portion * split_size(keys), keys);
  let end = min(begin + split_size(keys), keys);
  takes_newest = valid && visible_keys.has_newest && begin < end && end == keys;
  stores_newest = takes_newest && item % tiles == 0u;
  walked = vec2u(begin, end - select(0u, 1u, takes_newest));
  return valid;
}

fn load_spans() -> vec4u {
  let prefix = visible_keys.prefix;
  return vec4u(min(walked, vec2u(prefix)), max(walked, vec2u(prefix)) - prefix);
}

#if CACHE_F16
fn narrow(value: vec4f) -> Stored {
  return vec2u(pack_pair(value.x, value.y), pack_pair(value.z, value.w));
}
#else
fn narrow(value: vec4f) -> Stored {
  return value;
}
#endif

fn load_query(row: u32, d: u32) -> vec4f {
  return fused_vector(first + min(row, live - 1u), d, true);
}

/// Puts the newest key and value where the workgroup reads them, and into their cells.
fn fill_newest(lane: u32) {
  if (!takes_newest) {
    return;
  }
  let cell = key_at(1u, visible_keys.own - 1u);
  for (var i = lane; i < 2u * params.head_vectors; i += LANES) {
    let is_value = i >= params.head_vectors;
    let d = i % params.head_vectors;
    let stored = narrow(fused_vector(params.heads + select(0u, params.kv_heads, is_value) + kv_head, d, !is_value));
    newest[i] = stored;
    if (stores_newest && is_value) {
      v[cell + d] = stored;
    } else if (stores_newest) {
      k[cell + d] = stored;
    }
  }
}

fn store_out(row: u32, d: u32, value: vec4f) {
  if (row < live) {
    partials[part_at(output_row(row), portion) + d] = value;
  }
}

fn store_sums(m: Rows, l: Rows) {
  for (var row = 0u; row < live; row++) {
    let at = part_at(output_row(row), portion) + params.head_vectors;
    partials[at] = vec4f(component(m, row), component(l, row), 0f, 0f);
  }
}

#if SCORES
fn keep_score(part: u32, key: u32, score: Rows) {
  let number = select(key, visible_keys.prefix + key, part == 1u);
  for (var row = 0u; row < live; row++) {
    score_rows[output_row(row) * params.keys + number] = component(score, row);
  }
}
#endif
