// Body of the streaming attention kernels: one workgroup, ROWS query vectors that share one key/value head, two spans of
// keys. A file that includes it declares `params`, includes lib/attention_values.wgsl, and defines load_spans(), load_query(row, d), key_at(part,
// key) (index of a key's first vec4), visible(part, key) and the store_ functions.
//
// Per chunk of keys: scores (threads split the keys, KEYS at a time), the chunk's maximum, probabilities into shared
// memory, then the weighted sum of values (threads split the head's dimensions and, where any are left, the keys).
// `Rows` holds one number per query vector, so that each key and value loaded serves all of them.
// With SPLIT the sums begin with the newest key where takes_newest says so (fill_newest, newest), go out
// unnormalised with store_sums, and with SCORES keep_score gets every score.
// Loops are kept as loops: unrolled bodies take software adapters minutes to compile.

#if STREAM
const LANES = ${LANES}u;
const KEYS = ${KEYS}u;
const CHUNK = ${CHUNK}u;
const LOWEST = -1e30;
/// Scores below this are masks: no finite product of sane activations comes near.
const MASKED = -5e29;

/// Query vectors, transposed: one entry per dimension.
var<workgroup> query: array<Rows, ${HEAD_SIZE}>;
var<workgroup> scores: array<Rows, ${CHUNK}>;
var<workgroup> tops: array<Rows, ${LANES}>;
var<workgroup> parts: array<vec4f, ${PARTS}>;
/// begin and end of the first span, begin and end of the second.
var<workgroup> spans: vec4u;

/// Scores of the chunk's keys into shared memory; returns this thread's maximum.
fn score_chunk(part: u32, base: u32, count: u32, lane: u32) -> Rows {
  var top = Rows(LOWEST);
  for (var c = lane * KEYS; c < count; c += LANES * KEYS) {
#for i in 0..KEYS
    let at_${i} = key_at(part, base + min(c + ${i}u, count - 1u));
    var s_${i} = Rows(0f);
#endfor
    for (var d = 0u; d < params.head_vectors; d++) {
      let q_0 = query[d * 4u];
      let q_1 = query[d * 4u + 1u];
      let q_2 = query[d * 4u + 2u];
      let q_3 = query[d * 4u + 3u];
#for i in 0..KEYS
      let k_${i} = load_key(at_${i} + d);
      s_${i} += q_0 * k_${i}.x + q_1 * k_${i}.y + q_2 * k_${i}.z + q_3 * k_${i}.w;
#endfor
    }
#for i in 0..KEYS
    if (c + ${i}u < count) {
      let s = select(Rows(LOWEST), s_${i}, visible(part, base + c + ${i}u));
      scores[c + ${i}u] = s;
      top = max(top, s);
    }
#endfor
  }
  return top;
}

/// Maximum over the workgroup; every thread gets it.
fn reduce_top(mine: Rows, lane: u32) -> Rows {
  tops[lane] = mine;
  workgroupBarrier();
  if (lane == 0u) {
    var top = mine;
    for (var i = 1u; i < LANES; i++) {
      top = max(top, tops[i]);
    }
    tops[0] = top;
  }
  workgroupBarrier();
  return tops[0];
}

@compute @workgroup_size(${LANES})
fn ${ENTRY}(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = group.y * groups.x + group.x;
  let valid = place(item);
  if (lane == 0u) {
    spans = select(vec4u(0u), load_spans(), valid);
  }
#if SPLIT
  // A rotated query costs more than a barrier.
  for (var i = lane; i < ${ROWS}u * params.head_vectors; i += LANES) {
    parts[i] = load_query(i / params.head_vectors, i % params.head_vectors);
  }
  workgroupBarrier();
#endif
  for (var d = lane; d < params.head_vectors; d += LANES) {
#for r in 0..ROWS
#if SPLIT
    let q_${r} = parts[${r}u * params.head_vectors + d] * params.scale;
#else
    let q_${r} = load_query(${r}u, d) * params.scale;
#endif
#endfor
#if ROWS == 1
    query[d * 4u] = q_0.x;
    query[d * 4u + 1u] = q_0.y;
    query[d * 4u + 2u] = q_0.z;
    query[d * 4u + 3u] = q_0.w;
#else
    let columns = transpose(mat${ROWS}x4f(${Q_LIST}));
    query[d * 4u] = columns[0];
    query[d * 4u + 1u] = columns[1];
    query[d * 4u + 2u] = columns[2];
    query[d * 4u + 3u] = columns[3];
#endif
  }
#if MAP
  clear_map(lane, valid);
#endif
#if SPLIT
  fill_newest(lane);
#endif
  let span = workgroupUniformLoad(&spans);

  var m = Rows(LOWEST);
  var l = Rows(0f);
#for r in 0..ROWS
  var acc_${r} = vec4f(0f);
#endfor
#if CAPTURE
#for c in 0..KEY_CLASSES
  var mass_${c} = Rows(0f);
#endfor
#endif
  let dim = lane % params.head_vectors;
  let split = lane / params.head_vectors;
  let splits = LANES / params.head_vectors;
#if SPLIT
  if (takes_newest) {
    m = Rows(0f);
    for (var d = 0u; d < params.head_vectors; d++) {
      let key = widen(newest[d]);
      m += query[d * 4u] * key.x + query[d * 4u + 1u] * key.y + query[d * 4u + 2u] * key.z + query[d * 4u + 3u] * key.w;
    }
    l = select(Rows(0f), Rows(1f), lane == 0u);
    if (split == 0u) {
      let value = widen(newest[params.head_vectors + dim]);
#for r in 0..ROWS
      acc_${r} = value;
#endfor
    }
#if SCORES
    if (lane == 0u) {
      keep_score(1u, visible_keys.own - 1u, m);
    }
#endif
  }
#endif

  for (var part = 0u; part < 2u; part++) {
    let begin = select(span.x, span.z, part == 1u);
    let end = select(span.y, span.w, part == 1u);
    for (var base = begin; base < end; base += CHUNK) {
      let count = min(CHUNK, end - base);
      let top = max(m, reduce_top(score_chunk(part, base, count, lane), lane));
      let fade = exp(m - top);
      m = top;
      l *= fade;
#if CAPTURE
#for c in 0..KEY_CLASSES
      mass_${c} *= fade;
#endfor
#endif
      for (var c = lane; c < count; c += LANES) {
        let s = scores[c];
        let p = select(Rows(0f), exp(s - m), s > Rows(MASKED));
        scores[c] = p;
        l += p;
#if SCORES
        keep_score(part, base + c, s);
#endif
#if CAPTURE
        let word = class_at(part, base + c);
        let kind = word & 255u;
#for c in 0..KEY_CLASSES
        mass_${c} += select(Rows(0f), p, kind == ${c}u);
#endfor
#if MAP
        if (kind == ${KEY_CLASS_IMAGE}u && (word >> 8u) < params.map_size) {
          store_score(word >> 8u, s);
        }
#endif
#endif
      }
      workgroupBarrier();
#for r in 0..ROWS
#if ROWS == 1
      acc_0 *= fade;
#else
      acc_${r} *= fade[${r}];
#endif
#endfor
      if (split < splits) {
        for (var c = split; c < count; c += splits) {
          let p = scores[c];
          let value = load_value(key_at(part, base + c) + dim);
#for r in 0..ROWS
#if ROWS == 1
          acc_0 += p * value;
#else
          acc_${r} += p[${r}] * value;
#endif
#endfor
        }
      }
      workgroupBarrier();
    }
  }

  // Sums over the threads, in a fixed order.
  scores[lane] = l;
#if CAPTURE
#for c in 0..KEY_CLASSES
  scores[${c}u * LANES + LANES + lane] = mass_${c};
#endfor
#endif
#for r in 0..ROWS
  parts[${r}u * LANES + lane] = acc_${r};
#endfor
  workgroupBarrier();
  var total = Rows(0f);
  for (var i = 0u; i < LANES; i++) {
    total += scores[i];
  }
#if SPLIT
  let inverse = Rows(1f);
#else
  let seen = total > Rows(0f);
  let inverse = select(Rows(0f), Rows(1f) / max(total, Rows(1e-30)), seen);
#endif
  if (valid) {
    for (var i = lane; i < ${ROWS}u * params.head_vectors; i += LANES) {
      let row = i / params.head_vectors;
      var sum = vec4f(0f);
      for (var j = 0u; j < LANES / params.head_vectors; j++) {
        sum += parts[row * LANES + j * params.head_vectors + i % params.head_vectors];
      }
#if ROWS == 1
      store_out(row, i % params.head_vectors, sum * inverse);
#else
      store_out(row, i % params.head_vectors, sum * inverse[row]);
#endif
    }
#if SPLIT
    if (lane == 0u) {
      store_sums(m, total);
    }
#endif
#if LSE
    if (lane == 0u) {
      store_lse(select(Rows(0f), m + log(max(total, Rows(1e-30))), seen));
    }
#endif
#if CAPTURE
    if (lane < ${KEY_CLASSES}u) {
      var sum = Rows(0f);
      for (var i = 0u; i < LANES; i++) {
        sum += scores[(lane + 1u) * LANES + i];
      }
      store_mass(lane, sum * inverse);
    }
#endif
#if MAP
    for (var part = 0u; part < 2u; part++) {
      let begin = select(span.x, span.z, part == 1u);
      let end = select(span.y, span.w, part == 1u);
      for (var base = begin; base < end; base += CHUNK) {
        for (var c = lane; c < min(CHUNK, end - base); c += LANES) {
          // The thread that stored the score: the same walk as above.
          let word = class_at(part, base + c);
          if ((word & 255u) == ${KEY_CLASS_IMAGE}u && (word >> 8u) < params.map_size) {
            normalise_score(word >> 8u, m, inverse, visible(part, base + c));
          }
        }
      }
    }
#endif
  }
}
#endif
