// Selects a threshold among the scores of one row exactly, one digit of ${RADIX_BITS} bits at a time, from the top.
// It needs score(id), weight(value), params.vocab and WG from the including file. Every sum is of integers, so the
// answer depends on no order of execution.

var<workgroup> bin_high: array<atomic<u32>, ${BINS}>;
var<workgroup> bin_low: array<atomic<u32>, ${BINS}>;

// An unsigned key in the order of the floats; both zeros alike.
fn order_key(value: f32) -> u32 {
  let bits = bitcast<u32>(select(value, 0.0, value == 0.0));
  return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}

// A mass in [0, 1] as high * 2^-30 + low * 2^-44, both exact for an f32 down to 2^-44.
fn fixed(mass: f32) -> vec2u {
  let scaled = min(mass, 1.5) * 0x1p30;
  let high = floor(scaled);
  return vec2u(u32(high), u32((scaled - high) * 0x1p14));
}

fn carry(mass: vec2u) -> vec2u {
  return vec2u(mass.x + (mass.y >> 14u), mass.y & 0x3fffu);
}

fn at_least(a: vec2u, b: vec2u) -> bool {
  return a.x > b.x || (a.x == b.x && a.y >= b.y);
}

// a - b, at least one unit.
fn difference(a: vec2u, b: vec2u) -> vec2u {
  if (!at_least(a, b) || all(a == b)) { return vec2u(0u, 1u); }
  let borrow = u32(a.y < b.y);
  return vec2u(a.x - b.x - borrow, a.y + (borrow << 14u) - b.y);
}

fn to_float(mass: vec2u) -> f32 {
  return f32(mass.x) * 0x1p-30 + f32(mass.y) * 0x1p-44;
}

struct Digit { bin: u32, above: vec2u, within: vec2u, goal: vec2u }
var<workgroup> digit: Digit;
var<workgroup> each_mass: f32;

// The found key; mass wanted from the elements equal to it, their mass together, and the mass of each.
struct Selection { key: u32, wanted: f32, within: f32, each: f32 }

// The largest key such that the elements at or above it number at least `amount.x` (scale 0), or weigh at least
// the total less `amount` (scale = 1 / total weight). Only keys from `least` on count.
fn select_from_top(lane: u32, least: u32, scale: f32, amount: vec2u) -> Selection {
  var prefix = 0u;
  for (var shift = i32(32u - ${RADIX_BITS}u); shift >= 0; shift -= ${RADIX_BITS}) {
    for (var bin = lane; bin < ${BINS}u; bin += ${WG}u) {
      atomicStore(&bin_high[bin], 0u);
      atomicStore(&bin_low[bin], 0u);
    }
    row_barrier();
    for (var id = lane; id < params.vocab; id += ${WG}u) {
      let value = score(id);
      let key = order_key(value);
      let leading = key >> u32(shift);
      if (key < least || (leading >> ${RADIX_BITS}u) != prefix) { continue; }
      let bin = leading & (${BINS}u - 1u);
      if (scale > 0.0) {
        let mass = fixed(weight(value) * scale);
        atomicAdd(&bin_high[bin], mass.x);
        atomicAdd(&bin_low[bin], mass.y);
      } else {
        atomicAdd(&bin_high[bin], 1u);
      }
    }
    row_barrier();
    if (lane == 0u) { choose_digit(shift == i32(32u - ${RADIX_BITS}u), scale > 0.0, amount); }
    let chosen = ${LOAD}(&digit);
    prefix = (prefix << ${RADIX_BITS}u) | chosen.bin;
  }
  let last = ${LOAD}(&digit);
  if (lane == 0u) { each_mass = to_float(fixed(weight(key_value(prefix)) * scale)); }
  let each = ${LOAD}(&each_mass);
  return Selection(prefix, to_float(difference(last.goal, last.above)), to_float(last.within), each);
}

// The float of an order key.
fn key_value(key: u32) -> f32 {
  return bitcast<f32>(select(~key, key & 0x7fffffffu, (key >> 31u) == 1u));
}

// One lane: walks the bins from the top until the goal is reached. The goal is settled in the first digit.
fn choose_digit(is_first: bool, from_total: bool, amount: vec2u) {
  if (is_first) {
    digit.above = vec2u();
    digit.goal = amount;
    if (from_total) {
      var total = vec2u();
      for (var bin = 0u; bin < ${BINS}u; bin++) {
        total = carry(total + vec2u(atomicLoad(&bin_high[bin]), atomicLoad(&bin_low[bin])));
      }
      digit.goal = difference(total, amount);
    }
  }
  var above = digit.above;
  for (var i = 0u; i < ${BINS}u; i++) {
    let bin = ${BINS}u - 1u - i;
    let within = carry(vec2u(atomicLoad(&bin_high[bin]), atomicLoad(&bin_low[bin])));
    let reached = carry(above + within);
    // The last bin stands in where rounding left the goal out of reach.
    if (at_least(reached, digit.goal) || bin == 0u) {
      digit.bin = bin;
      digit.above = above;
      digit.within = within;
      return;
    }
    above = reached;
  }
}
