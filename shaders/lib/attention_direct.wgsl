// Body of the attention kernels without shared memory and without barriers: one thread owns ROWS query vectors that share
// one key/value head, and walks two spans of keys, KEYS at a time. Software adapters suspend every subgroup at a barrier,
// which costs them more than the arithmetic. The including file provides the same functions as for attention_stream.wgsl.
// Loops are kept as loops: unrolled bodies take software adapters minutes to compile.

#if !STREAM
const LANES = 1u;
const KEYS = ${KEYS}u;
const LOWEST = -1e30;
/// Scores below this are masks: no finite product of sane activations comes near.
const MASKED = -5e29;

@compute @workgroup_size(${THREADS})
fn ${ENTRY}(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  if (!place((group.y * groups.x + group.x) * ${THREADS}u + thread)) {
    return;
  }
  let span = load_spans();
#if MAP
  clear_map(0u, true);
#endif
  var acc: array<vec4f, ${PARTS}>;
  var m = Rows(LOWEST);
  var l = Rows(0f);
#if CAPTURE
#for c in 0..KEY_CLASSES
  var mass_${c} = Rows(0f);
#endfor
#endif
  for (var part = 0u; part < 2u; part++) {
    let end = select(span.y, span.w, part == 1u);
    for (var base = select(span.x, span.z, part == 1u); base < end; base += KEYS) {
#for i in 0..KEYS
      let key_${i} = min(base + ${i}u, end - 1u);
      let at_${i} = key_at(part, key_${i});
      var s_${i} = Rows(0f);
#endfor
      for (var d = 0u; d < params.head_vectors; d++) {
#for r in 0..ROWS
        let q_${r} = load_query(${r}u, d);
#endfor
#if ROWS == 1
#for i in 0..KEYS
        s_${i} += dot(q_0, load_key(at_${i} + d));
#endfor
#else
        let queries = mat${ROWS}x4f(${Q_LIST});
#for i in 0..KEYS
        s_${i} += load_key(at_${i} + d) * queries;
#endfor
#endif
      }
      var top = m;
#for i in 0..KEYS
      s_${i} = select(Rows(LOWEST), s_${i} * params.scale, visible(part, key_${i}));
      if (base + ${i}u >= end) {
        s_${i} = Rows(LOWEST);
      }
      top = max(top, s_${i});
#endfor
      let fade = exp(m - top);
      m = top;
      l *= fade;
#for i in 0..KEYS
      let p_${i} = select(Rows(0f), exp(s_${i} - m), s_${i} > Rows(MASKED));
      l += p_${i};
#endfor
      for (var d = 0u; d < params.head_vectors; d++) {
#for r in 0..ROWS
        var sum_${r} = acc[${r}u * params.head_vectors + d] * component(fade, ${r}u);
#endfor
#for i in 0..KEYS
        let v_${i} = load_value(at_${i} + d);
#for r in 0..ROWS
        sum_${r} += component(p_${i}, ${r}u) * v_${i};
#endfor
#endfor
#for r in 0..ROWS
        acc[${r}u * params.head_vectors + d] = sum_${r};
#endfor
      }
#if CAPTURE
#for c in 0..KEY_CLASSES
      mass_${c} *= fade;
#endfor
      var weights = array<Rows, KEYS>(${P_LIST});
#if MAP
      var kept = array<Rows, KEYS>(${S_LIST});
#endif
      for (var i = 0u; i < min(KEYS, end - base); i++) {
        let word = class_at(part, base + i);
        let kind = word & 255u;
        let p = weights[i];
#for c in 0..KEY_CLASSES
        mass_${c} += select(Rows(0f), p, kind == ${c}u);
#endfor
#if MAP
        if (kind == ${KEY_CLASS_IMAGE}u && (word >> 8u) < params.map_size) {
          store_score(word >> 8u, kept[i]);
        }
#endif
      }
#endif
    }
  }

  let seen = l > Rows(0f);
  let inverse = select(Rows(0f), Rows(1f) / max(l, Rows(1e-30)), seen);
  for (var d = 0u; d < params.head_vectors; d++) {
#for r in 0..ROWS
    store_out(${r}u, d, acc[${r}u * params.head_vectors + d] * component(inverse, ${r}u));
#endfor
  }
#if LSE
  store_lse(select(Rows(0f), m + log(max(l, Rows(1e-30))), seen));
#endif
#if CAPTURE
#for c in 0..KEY_CLASSES
  store_mass(${c}u, mass_${c} * inverse);
#endfor
#endif
#if MAP
  for (var part = 0u; part < 2u; part++) {
    let end = select(span.y, span.w, part == 1u);
    for (var key = select(span.x, span.z, part == 1u); key < end; key++) {
      let word = class_at(part, key);
      if ((word & 255u) == ${KEY_CLASS_IMAGE}u && (word >> 8u) < params.map_size) {
        normalise_score(word >> 8u, m, inverse, visible(part, key));
      }
    }
  }
#endif
}
#endif
