// Finds the heads and keys of a tile of decode attention: up to ROWS heads that share a key/value head of one sequence.
// Including files declare params, and include lib/sequence_keys.wgsl and lib/attention_rows.wgsl.

var<private> sequence: u32;
/// First head of the tile, and how many of its rows are heads.
var<private> first: u32;
var<private> live: u32;
var<private> kv_head: u32;
var<private> visible_keys: SequenceKeys;
/// By part, prefix and own: the vector of the head's first key.
var<private> key_starts: vec2u;

fn tiles_of_group() -> u32 {
  return (params.heads / params.kv_heads + ${ROWS}u - 1u) / ${ROWS}u;
}

/// Takes tile `item` to its sequence and heads; false past the last.
fn place_tile(item: u32) -> bool {
  let group_size = params.heads / params.kv_heads;
  let tiles = tiles_of_group();
  let tile = item % tiles;
  kv_head = item / tiles % params.kv_heads;
  sequence = item / (tiles * params.kv_heads);
  first = kv_head * group_size + tile * ${ROWS}u;
  live = min(${ROWS}u, group_size - tile * ${ROWS}u);
  visible_keys = sequence_keys(min(sequence, params.batch - 1u));
  let starts = vec2u(head_start(visible_keys.prefix_span, kv_head), head_start(visible_keys.own_span, kv_head));
  key_starts = starts * params.head_vectors;
  return sequence < params.batch;
}

fn output_row(row: u32) -> u32 {
  return sequence * params.heads + first + row;
}

fn key_at(part: u32, key: u32) -> u32 {
  return key_starts[part] + key * params.head_vectors;
}

fn visible(part: u32, key: u32) -> RowsMask {
  return RowsMask(true);
}
