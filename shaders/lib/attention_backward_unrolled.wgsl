// Body of the two attention gradients for small heads on adapters whose loads cost more than their arithmetic: one thread
// owns a tile of ROWS vectors of VECTORS vec4 each and streams the vectors they meet, KEYS at a time. Every index is a
// constant, so that the tile and its sums stay in registers (or a plain stack frame) and every streamed vector is read
// once. Formulas and the including file's functions: as in attention_backward_stream.wgsl. Sums run in a fixed order.

#if UNROLLED
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
  var a: array<vec4f, ${PARTS}>;
  var b: array<vec4f, ${PARTS}>;
  var first_sum: array<vec4f, ${PARTS}>;
#if SECOND
  var second_sum: array<vec4f, ${PARTS}>;
#endif
  for (var i = 0u; i < ${PARTS}u; i++) {
    a[i] = load_a(i / ${VECTORS}u, i % ${VECTORS}u);
    b[i] = load_b(i / ${VECTORS}u, i % ${VECTORS}u);
  }
  for (var part = 0u; part < part_count(); part++) {
    let bounds = span_of(span, part);
    for (var base = bounds.x; base < bounds.y; base += KEYS) {
#for i in 0..KEYS
      let item_${i} = min(base + ${i}u, bounds.y - 1u);
      let at_${i} = stream_at(part, item_${i});
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
      // Rounding can lift a score above its row's logarithm, never by as much as 1 (a mask keeps it from others).
      let likely_${i} = exp(min(s_${i} * params.scale - lse_of(part, item_${i}), Rows(1f)));
      let seen_${i} = select(Rows(0f), likely_${i}, visible(part, item_${i}));
      let weight_${i} = select(Rows(0f), seen_${i}, base + ${i}u < bounds.y);
      let slope_${i} = weight_${i} * (dp_${i} - delta_of(part, item_${i})) * params.scale;
#endfor
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
    }
  }
  for (var i = 0u; i < ${PARTS}u; i++) {
    store_first(i / ${VECTORS}u, i % ${VECTORS}u, first_sum[i]);
#if SECOND
    store_second(i / ${VECTORS}u, i % ${VECTORS}u, second_sum[i]);
#endif
  }
}
#endif
