// Body of the two attention gradients without shared memory and without barriers: one thread owns a tile of ROWS vectors
// and streams the vectors they meet, KEYS at a time. Formulas and the including file's functions: as in
// attention_backward_stream.wgsl. Sums run in a fixed order.
//
// UNROLLED, for small heads of exactly VECTORS vec4 on adapters whose loads cost more than their arithmetic, writes the
// loops over a head out: every index is a constant, so that the tile and its sums stay in registers (or a plain stack
// frame), and every streamed vector is read once.

#if !STREAM
const KEYS = ${KEYS}u;

@compute @workgroup_size(${THREADS})
fn ${ENTRY}(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  if (!place((group.y * groups.x + group.x) * ${THREADS}u + thread)) {
    return;
  }
  let span = find_spans();
#if UNROLLED
  var a: array<vec4f, ${PARTS}>;
  var b: array<vec4f, ${PARTS}>;
  for (var i = 0u; i < ${PARTS}u; i++) {
    a[i] = load_a(i / ${VECTORS}u, i % ${VECTORS}u);
    b[i] = load_b(i / ${VECTORS}u, i % ${VECTORS}u);
  }
#endif
  var first_sum: array<vec4f, ${PARTS}>;
#if SECOND
  var second_sum: array<vec4f, ${PARTS}>;
#endif
  for (var part = 0u; part < part_count(); part++) {
    let bounds = span_of(span, part);
    for (var base = bounds.x; base < bounds.y; base += KEYS) {
#for i in 0..KEYS
      let item_${i} = min(base + ${i}u, bounds.y - 1u);
      let at_${i} = stream_at(part, item_${i});
#if UNROLLED
#for d in 0..VECTORS
      let x_${i}_${d} = load_x(at_${i} + ${d}u);
      let y_${i}_${d} = load_y(at_${i} + ${d}u);
#endfor
#for r in 0..ROWS
      var s_${i}_${r} = 0f;
      var dp_${i}_${r} = 0f;
#for d in 0..VECTORS
      s_${i}_${r} += dot(x_${i}_${d}, a[${r} * ${VECTORS} + ${d}]);
      dp_${i}_${r} += dot(y_${i}_${d}, b[${r} * ${VECTORS} + ${d}]);
#endfor
#endfor
#if ROWS == 1
      let s_${i} = s_${i}_0;
      let dp_${i} = dp_${i}_0;
#else
      var s_${i} = Rows(0f);
      var dp_${i} = Rows(0f);
#for r in 0..ROWS
      s_${i}[${r}] = s_${i}_${r};
      dp_${i}[${r}] = dp_${i}_${r};
#endfor
#endif
#else
      var s_${i} = Rows(0f);
      var dp_${i} = Rows(0f);
#endif
#endfor
#if !UNROLLED
      for (var d = 0u; d < params.head_vectors; d++) {
#if ROWS == 1
        let a = load_a(0u, d);
        let b = load_b(0u, d);
#for i in 0..KEYS
        s_${i} += dot(load_x(at_${i} + d), a);
        dp_${i} += dot(load_y(at_${i} + d), b);
#endfor
#else
#for r in 0..ROWS
        let a_${r} = load_a(${r}u, d);
        let b_${r} = load_b(${r}u, d);
#endfor
        let a = mat${ROWS}x4f(${A_LIST});
        let b = mat${ROWS}x4f(${B_LIST});
#for i in 0..KEYS
        s_${i} += load_x(at_${i} + d) * a;
        dp_${i} += load_y(at_${i} + d) * b;
#endfor
#endif
      }
#endif
#for i in 0..KEYS
      // Rounding can lift a score above its row's logarithm, never by as much as 1 (a mask keeps it from others).
      let likely_${i} = exp(min(s_${i} * params.scale - lse_of(part, item_${i}), Rows(1f)));
      let seen_${i} = select(Rows(0f), likely_${i}, visible(part, item_${i}));
      let weight_${i} = select(Rows(0f), seen_${i}, base + ${i}u < bounds.y);
      let slope_${i} = weight_${i} * (dp_${i} - delta_of(part, item_${i})) * params.scale;
#endfor
#if UNROLLED
#for r in 0..ROWS
#for i in 0..KEYS
      let slope_${i}_${r} = component(slope_${i}, ${r}u);
      let weight_${i}_${r} = component(weight_${i}, ${r}u);
#endfor
#for d in 0..VECTORS
      first_sum[${r} * ${VECTORS} + ${d}] = first_sum[${r} * ${VECTORS} + ${d}]
#for i in 0..KEYS
        + slope_${i}_${r} * x_${i}_${d}
#endfor
        ;
#if SECOND
      second_sum[${r} * ${VECTORS} + ${d}] = second_sum[${r} * ${VECTORS} + ${d}]
#for i in 0..KEYS
        + weight_${i}_${r} * y_${i}_${d}
#endfor
        ;
#endif
#endfor
#endfor
#else
      for (var d = 0u; d < params.head_vectors; d++) {
#for r in 0..ROWS
        var sum_${r} = first_sum[${r}u * params.head_vectors + d];
#endfor
#for i in 0..KEYS
        let x_${i} = load_x(at_${i} + d);
#for r in 0..ROWS
        sum_${r} += component(slope_${i}, ${r}u) * x_${i};
#endfor
#endfor
#for r in 0..ROWS
        first_sum[${r}u * params.head_vectors + d] = sum_${r};
#endfor
      }
#if SECOND
      for (var d = 0u; d < params.head_vectors; d++) {
#for r in 0..ROWS
        var sum_${r} = second_sum[${r}u * params.head_vectors + d];
#endfor
#for i in 0..KEYS
        let y_${i} = load_y(at_${i} + d);
#for r in 0..ROWS
        sum_${r} += component(weight_${i}, ${r}u) * y_${i};
#endfor
#endfor
#for r in 0..ROWS
        second_sum[${r}u * params.head_vectors + d] = sum_${r};
#endfor
      }
#endif
#endif
    }
  }
  for (var d = 0u; d < params.head_vectors; d++) {
#for r in 0..ROWS
    store_first(${r}u, d, first_sum[${r}u * params.head_vectors + d]);
#if SECOND
    store_second(${r}u, d, second_sum[${r}u * params.head_vectors + d]);
#endif
#endfor
  }
}
#endif
