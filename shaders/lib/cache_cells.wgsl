// Finds the cells of a cache of keys or values (src/kernels/cache_shape.ts): [slot][kv head][position][head size], where
// the first params.slots slots have params.capacity positions each and those behind them params.prefix_capacity.
// With CACHE_F16 a word holds two neighbouring values.

/// Positions before a slot's first one, and how many the slot has.
fn slot_span(slot: u32) -> vec2u {
  if (slot < params.slots) {
    return vec2u(slot * params.capacity, params.capacity);
  }
  let behind = params.slots * params.capacity + (slot - params.slots) * params.prefix_capacity;
  return vec2u(behind, params.prefix_capacity);
}

/// Number of the vector of a head's first position in a slot, in vectors of a head's size.
fn head_start(span: vec2u, kv_head: u32) -> u32 {
  return span.x * params.kv_heads + kv_head * span.y;
}

/// Two values as one word; f16 ends at 65504.
fn pack_pair(low: f32, high: f32) -> u32 {
  return pack2x16float(clamp(vec2f(low, high), vec2f(-65504f), vec2f(65504f)));
}
