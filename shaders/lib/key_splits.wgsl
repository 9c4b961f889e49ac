// Says how the keys of a sequence are divided among splits, and where each split's part of the result lies: for every head
// and split head_vectors sums of values as vec4, then one vec4 of the largest score, the sum of exp(score - largest) and zeros.
// Including files declare params.

/// Keys of every split but the last ones, so that they are even.
fn split_size(keys: u32) -> u32 {
  return (keys + params.splits - 1u) / params.splits;
}

/// First vector of a part. `row`: sequence * heads + head.
fn part_at(row: u32, portion: u32) -> u32 {
  return (row * params.splits + portion) * (params.head_vectors + 1u);
}
