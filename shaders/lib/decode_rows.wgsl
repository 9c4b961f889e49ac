// Stores the rows of a tile of decode attention: the output, and what is captured. Including files include
// lib/decode_outputs.wgsl and lib/decode_tile.wgsl, and declare LANES, the threads that share the tile.

fn store_out(row: u32, d: u32, value: vec4f) {
  if (row < live) {
    out[output_row(row) * params.head_vectors + d] = value;
  }
}

#if CAPTURE
fn class_at(part: u32, key: u32) -> u32 {
  return key_class[select(visible_keys.prefix_span.x, visible_keys.own_span.x, part == 1u) + key];
}

fn store_mass(kind: u32, value: Rows) {
  for (var row = 0u; row < live; row++) {
    masses[(params.mass_row + output_row(row)) * ${KEY_CLASSES}u + kind] = component(value, row);
  }
}
#endif

#if MAP
/// Clears the tile's rows of the map; with STREAM its threads meet, so that no score is cleared.
fn clear_map(lane: u32, valid: bool) {
  if (valid) {
    for (var i = lane; i < live * params.map_size; i += LANES) {
      map[(params.map_row + output_row(0u)) * params.map_size + i] = 0f;
    }
  }
#if STREAM
  storageBarrier();
#endif
}

/// Keeps the score of an image token until the head's sum is known.
fn store_score(place: u32, score: Rows) {
  for (var row = 0u; row < live; row++) {
    map[(params.map_row + output_row(row)) * params.map_size + place] = component(score, row);
  }
}

/// Makes a kept score the key's probability.
fn normalise_score(place: u32, m: Rows, inverse: Rows, seen: RowsMask) {
  for (var row = 0u; row < live; row++) {
    let at = (params.map_row + output_row(row)) * params.map_size + place;
    map[at] = exp(map[at] - component(m, row)) * component(inverse, row);
  }
}
#endif
