// Rotates one channel of a head of the fused projection. Including files declare qkv, cosine, sine and params.half.

/// Channel `channel` of a head, turned. `head`: the head's first channel in qkv; `table`: the token's row in the tables.
fn turned(head: u32, channel: u32, table: u32) -> f32 {
  let half = params.half;
  let is_high = channel >= half;
  let pair = select(channel, channel - half, is_high);
  let low = qkv[head + pair];
  let high = qkv[head + pair + half];
  let c = cosine[table + pair];
  let s = sine[table + pair];
  return select(low * c - high * s, high * c + low * s, is_high);
}
