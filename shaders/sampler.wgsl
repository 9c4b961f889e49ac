// Next token of every sequence, in Hugging Face's order: repetition penalty, temperature, top-k, top-p, min-p, softmax,
// draw. One workgroup of ${WG} invocations = one sequence; temperature 0 takes the largest penalised logit, lowest id first.
// Bindings: logits f32 [B, V], sampling u32 [B, 8] (0 temperature, 2 top_p, 3 min_p, 4 repetition penalty as f32 bits;
//   1 top_k, 5 and 6 seed, 7 largest number of new tokens, 0 = any), stop u32 [2 + E] (pad id, E, end ids),
//   seen u32 [B, ceil(V / 32)] (bit per id of prompt and output), sequences u32 [B, 8] (words of
//   src/kernels/sequence_words.ts), ids u32 [B].
// DRAWS and TRUNCATES leave out what no sequence of a run asks for: the draw, and top-k, top-p and min-p.
// With PROBABILITIES: logits, sampling, seen (read), penalised f32 [B, V], kept u32 [B, V], probabilities f32 [B, V].
// Thresholds are found exactly by radix selection on order-preserving float keys; ties at rank k all stay. For top-p the
// masses are integers of 44 bits, so their sums depend on no order; of ties at its border the highest ids stay, as in an
// ascending stable sort. The draw inverts the distribution function at a Philox number of (seed, generated).

struct Params { vocab: u32, seen_words: u32 }

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> sampling: array<u32>;
#if PROBABILITIES
@group(0) @binding(2) var<storage, read> seen: array<u32>;
@group(0) @binding(3) var<storage, read_write> penalised: array<f32>;
@group(0) @binding(4) var<storage, read_write> kept: array<u32>;
@group(0) @binding(5) var<storage, read_write> probabilities: array<f32>;
#else
@group(0) @binding(2) var<storage, read> stop: array<u32>;
@group(0) @binding(3) var<storage, read_write> seen: array<u32>;
@group(0) @binding(4) var<storage, read_write> sequences: array<u32>;
@group(0) @binding(5) var<storage, read_write> ids: array<u32>;
#endif
@group(0) @binding(6) var<uniform> params: Params;

#include "lib/workgroup_reduce.wgsl"
#include "lib/philox.wgsl"
#include "lib/radix_select.wgsl"

var<workgroup> best_key: array<u32, ${WG}>;
var<workgroup> best_index: array<u32, ${WG}>;
#if !PROBABILITIES
var<workgroup> part: array<f32, ${WG}>;
var<workgroup> flag: u32;

// Where a running sum reaches a goal: the lane whose part does, and what is still wanted inside it.
struct Share { lane: u32, rest: f32 }
var<workgroup> share: Share;
#endif

struct Row { logits: u32, seen: u32, penalty: f32, temperature: f32, top: f32 }
var<private> row: Row;

// Penalised logit, NaN as the least value and infinities finite, so that all later arithmetic is.
fn score(id: u32) -> f32 {
  let raw = logits[row.logits + id];
  let is_nan = (bitcast<u32>(raw) & 0x7fffffffu) > 0x7f800000u;
  let finite = select(clamp(raw, -1e30, 1e30), -1e30, is_nan);
  if (row.penalty == 1.0) { return finite; }
  if (((seen[row.seen + (id >> 5u)] >> (id & 31u)) & 1u) == 0u) { return finite; }
  return select(finite / row.penalty, finite * row.penalty, finite < 0.0);
}

// exp((score - largest) / temperature): the unnormalised probability, 0 where f32 has none.
fn weight(value: f32) -> f32 {
  let exponent = (value - row.top) / row.temperature;
  return select(0.0, exp(max(exponent, -87.0)), exponent > -87.0);
}

// The id of the largest score, lowest id among equals.
fn largest(lane: u32) -> u32 {
  var key = 0u;
  var index = 0u;
  for (var id = lane; id < params.vocab; id += ${WG}u) {
    let candidate = order_key(score(id));
    if (candidate > key) {
      key = candidate;
      index = id;
    }
  }
  best_key[lane] = key;
  best_index[lane] = index;
  row_barrier();
  for (var half = ${WG}u / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      let other = best_key[lane + half];
      let other_index = best_index[lane + half];
      if (other > best_key[lane] || (other == best_key[lane] && other_index < best_index[lane])) {
        best_key[lane] = other;
        best_index[lane] = other_index;
      }
    }
    row_barrier();
  }
  return ${LOAD}(&best_index[0]);
}

// What survives: keys above `key`, and of those equal to it the ids from `first` on, with a weight of at least `least`.
struct Border { key: u32, first: u32, least: f32 }

// Its weight if the id survives, or -1.
fn survivor(border: Border, id: u32) -> f32 {
  let value = score(id);
  let key = order_key(value);
  let mass = weight(value);
  let stays = (key > border.key || (key == border.key && id >= border.first)) && mass >= border.least;
  return select(-1.0, mass, stays);
}

#if TRUNCATES
// The largest id with at least `count` ids of this key at or after it, by bisection; every step counts in parallel.
fn last_ties(lane: u32, key: u32, count: f32) -> u32 {
  var low = 0u;
  var high = params.vocab;
  while (high - low > 1u) {
    let middle = (low + high) / 2u;
    var local = 0.0;
    for (var id = middle + lane; id < params.vocab; id += ${WG}u) {
      local += select(0.0, 1.0, order_key(score(id)) == key);
    }
    if (workgroup_sum(lane, local) >= count) { low = middle; } else { high = middle; }
  }
  return low;
}

// Top-k, then top-p within what top-k left. A loop, because drivers inline: one copy of the selection compiles faster.
fn border_of(lane: u32, top_k: u32, top_p: f32, min_p: f32) -> Border {
  var border = Border(0u, 0u, 0.0);
  for (var stage = 0u; stage < 2u; stage++) {
    let nucleus = stage == 1u;
    if (select(top_k == 0u || top_k >= params.vocab, top_p >= 1.0, nucleus)) { continue; }
    var scale = 0.0;
    if (nucleus) {
      var local = 0.0;
      for (var id = lane; id < params.vocab; id += ${WG}u) { local += max(survivor(border, id), 0.0); }
      scale = 1.0 / workgroup_sum(lane, local);
    }
    let found = select_from_top(lane, border.key, scale, select(vec2u(top_k, 0u), fixed(1.0 - max(top_p, 0.0)), nucleus));
    border.key = found.key;
    if (nucleus) {
      // Of n equal masses at the border as many stay as are needed to reach the wanted mass.
      let each = max(found.each, 1e-30);
      let needed = max(1.0, ceil(found.wanted / each));
      if (needed < round(found.within / each)) { border.first = last_ties(lane, found.key, needed); }
    }
  }
  border.least = min_p;
  return border;
}
#endif

#if !PROBABILITIES
// Finds the lane whose part of the running sum covers `goal` (with `of_total`, a fraction of the whole sum); the last
// non-empty one where rounding overshoots. Serial, so that the running sum never decreases and an empty part is never
// chosen.
fn find_share(lane: u32, local: f32, goal: f32, of_total: bool) -> Share {
  part[lane] = local;
  row_barrier();
  if (lane == 0u) {
    var wanted = goal;
    if (of_total) {
      var total = 0.0;
      for (var i = 0u; i < ${WG}u; i++) { total += part[i]; }
      wanted *= total;
    }
    var found = Share(0u, 0.0);
    var sum = 0.0;
    for (var i = 0u; i < ${WG}u; i++) {
      if (part[i] > 0.0) {
        found = Share(i, wanted - sum);
        if (sum + part[i] > wanted) { break; }
      }
      sum += part[i];
    }
    share = found;
  }
  return ${LOAD}(&share);
}

// Inverts the distribution function at `fraction` of the total: first the lane's column of ids (id % WG), then a chunk
// of that column, then the id.
fn draw(lane: u32, border: Border, fraction: f32) -> u32 {
  var local = 0.0;
  for (var id = lane; id < params.vocab; id += ${WG}u) { local += max(survivor(border, id), 0.0); }
  let column = find_share(lane, local, fraction, true);
  let length = (params.vocab - column.lane + ${WG}u - 1u) / ${WG}u;
  let chunk = (length + ${WG}u - 1u) / ${WG}u;
#if WG == 1
  let piece = column;
#else
  local = 0.0;
  for (var i = lane * chunk; i < min((lane + 1u) * chunk, length); i++) {
    local += max(survivor(border, i * ${WG}u + column.lane), 0.0);
  }
  let piece = find_share(lane, local, max(column.rest, 0.0), false);
#endif
  var chosen = column.lane;
  var sum = 0.0;
  for (var i = piece.lane * chunk; i < min((piece.lane + 1u) * chunk, length); i++) {
    let id = i * ${WG}u + column.lane;
    let mass = survivor(border, id);
    if (mass > 0.0) {
      chosen = id;
      sum += mass;
      if (sum > piece.rest) { break; }
    }
  }
  return chosen;
}

fn advance(index: u32, id: u32) {
  let state = ${SEQUENCE_WORDS}u * index;
  let base = 8u * index;
  let generated = sequences[state + ${SEQUENCE_GENERATED}u] + 1u;
  let limit = sampling[base + 7u];
  var done = limit > 0u && generated >= limit;
  for (var i = 0u; i < stop[1]; i++) { done = done || stop[2u + i] == id; }
  sequences[state + ${SEQUENCE_LENGTH}u] += 1u;
  sequences[state + ${SEQUENCE_POSITION}u] += 1u;
  sequences[state + ${SEQUENCE_GENERATED}u] = generated;
  sequences[state + ${SEQUENCE_DONE}u] = u32(done);
  sequences[state + ${SEQUENCE_TOKEN}u] = id;
  seen[row.seen + (id >> 5u)] |= 1u << (id & 31u);
  ids[index] = id;
}
#endif

@compute @workgroup_size(${WG})
fn sampler(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = group.x;
  let base = 8u * index;
  let temperature = bitcast<f32>(sampling[base]);
  row = Row(
    index * params.vocab,
    index * params.seen_words,
    bitcast<f32>(sampling[base + 4u]),
    max(temperature, 1e-7),
    0.0,
  );
#if !PROBABILITIES
  let state = ${SEQUENCE_WORDS}u * index;
  if (lane == 0u) { flag = sequences[state + ${SEQUENCE_DONE}u]; }
  if (${LOAD}(&flag) != 0u) {
    if (lane == 0u) {
      sequences[state + ${SEQUENCE_TOKEN}u] = stop[0];
      ids[index] = stop[0];
    }
    return;
  }
#endif
  let best = largest(lane);
  row.top = key_value(best_key[0]);
#if DRAWS
  var border = Border(0u, 0u, 0.0);
#endif
#if TRUNCATES
  if (temperature > 0.0) {
    border = border_of(lane, sampling[base + 1u], bitcast<f32>(sampling[base + 2u]), bitcast<f32>(sampling[base + 3u]));
  }
#endif
#if PROBABILITIES
  var local = 0.0;
  for (var id = lane; id < params.vocab; id += ${WG}u) { local += max(survivor(border, id), 0.0); }
  let total = workgroup_sum(lane, local);
  for (var id = lane; id < params.vocab; id += ${WG}u) {
    let at = row.logits + id;
    let mass = survivor(border, id);
    let greedy = temperature <= 0.0;
    let stays = select(mass >= 0.0, id == best, greedy);
    penalised[at] = score(id);
    kept[at] = u32(stays);
    probabilities[at] = select(0.0, select(mass / total, 1.0, greedy), stays);
  }
#else
  var chosen = best;
#if DRAWS
  if (temperature > 0.0) {
    let bits = philox(vec4u(sequences[state + ${SEQUENCE_GENERATED}u], 0u, 0u, 0u), vec2u(sampling[base + 5u], sampling[base + 6u]));
    chosen = draw(lane, border, uniform_open(bits.x));
  }
#endif
  // All lanes have read `seen` and the counters by now.
  row_barrier();
  if (lane == 0u) { advance(index, chosen); }
#endif
}
