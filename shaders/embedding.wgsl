// Embedding look-up, with rows of image features in place of image tokens:
//   out[t] = image_rows[t] >= 0 ? image_features[image_rows[t]] : table[ids[t * stride + offset] - first_row].
// Bindings: ids u32 [..], table [rows, hidden] (f32, packed pairs, or quants and scales),
//   [image_features [*, hidden], image_rows i32 [T] with IMAGES], out [T, hidden].
// One invocation = one element. An id past the vocabulary counts as its last. With SHARD the table holds the rows from
// first_row on, and tokens whose rows lie elsewhere are left alone.

struct Params {
  tokens: u32,
  hidden: u32,
  vocab: u32,
  stride: u32,
  offset: u32,
  first_row: u32,
  rows: u32,
  // Words of a quantised row.
  row_words: u32,
}

@group(0) @binding(0) var<storage, read> ids: array<u32>;
#if WEIGHT == f32
@group(0) @binding(1) var<storage, read> table: array<f32>;
#else
#if !QUANTISED
@group(0) @binding(1) var<storage, read> table: array<u32>;
#endif
#include "lib/weight_load.wgsl"
#endif
#if IMAGES
@group(0) @binding(${FEATURES}) var<storage, read> image_features: array<f32>;
@group(0) @binding(${ROWS}) var<storage, read> image_rows: array<i32>;
#endif
@group(0) @binding(${OUT}) var<storage, read_write> out: array<f32>;
@group(0) @binding(${PARAMS}) var<uniform> params: Params;

@compute @workgroup_size(64)
fn embedding(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  let token = index / params.hidden;
  if (token >= params.tokens) { return; }
  let column = index % params.hidden;
#if IMAGES
  let image_row = image_rows[token];
  if (image_row >= 0) {
    out[index] = image_features[u32(image_row) * params.hidden + column];
    return;
  }
#endif
  let id = min(ids[token * params.stride + params.offset], params.vocab - 1u);
#if SHARD
  if (id < params.first_row || id >= params.first_row + params.rows) { return; }
#endif
  let row = id - params.first_row;
#if QUANTISED
  out[index] = unpack_quad(row * params.row_words, column >> 2u)[column & 3u];
#elif WEIGHT == f32
  out[index] = table[row * params.hidden + column];
#else
  let element = row * params.hidden + column;
  let pair = unpack_pair(table[element >> 1u]);
  out[index] = select(pair.x, pair.y, (element & 1u) == 1u);
#endif
}
