// Stores the output of decode attention and what it captures, row by row of a tile (lib/decode_tile.wgsl). Including files
// include lib/decode_outputs.wgsl, and declare LANES, the threads of a tile, and QUEUED, whether those have to meet.

fn store_out(row: u32, d: u32, value: vec4f) {
  if (row < live) {
    out[output_row(row) * params.head_vectors + d] = value;
  }
}
