// Body of the two attention gradients: one workgroup owns a tile of ROWS vectors and streams the vectors they meet.
//
//   s = a . x,  dp = b . y,  p = exp(s - lse),  ds = scale * p * (dp - delta)     (scale is folded into a as well)
//   query side: a = q, b = dO, x = k, y = v:   first += ds x                       (dq)
//   key side:   a = k, b = v,  x = q, y = dO:  first += ds x, second += p y        (dk, dv)
//
// A file that includes it defines load_a/load_b(row, d), load_x/load_y(at), stream_at(part, item) (index of an item's
// first vec4), visible(part, item), lse_of/delta_of(part, item), part_count(), load_span(lane), span_of(part), store_*.
// Threads split the items to score them, then the dimensions (and the items again) to sum; sums run in a fixed order.

#if STREAM
const LANES = ${LANES}u;
const KEYS = ${KEYS}u;
const CHUNK = ${CHUNK}u;

/// Tile vectors, transposed: one entry per dimension.
var<workgroup> tile_a: array<Rows, ${HEAD_SIZE}>;
var<workgroup> tile_b: array<Rows, ${HEAD_SIZE}>;
var<workgroup> slopes: array<Rows, ${CHUNK}>;
#if SECOND
var<workgroup> weights: array<Rows, ${CHUNK}>;
#endif
var<workgroup> parts: array<vec4f, ${PARTS}>;
var<workgroup> spans: vec4u;

/// Probabilities and score gradients of the chunk's items into shared memory.
fn score_chunk(part: u32, base: u32, count: u32, lane: u32) {
  for (var c = lane * KEYS; c < count; c += LANES * KEYS) {
#for i in 0..KEYS
    let item_${i} = base + min(c + ${i}u, count - 1u);
    let at_${i} = stream_at(part, item_${i});
    var s_${i} = Rows(0f);
    var dp_${i} = Rows(0f);
#endfor
    for (var d = 0u; d < params.head_vectors; d++) {
      let a_0 = tile_a[d * 4u];
      let a_1 = tile_a[d * 4u + 1u];
      let a_2 = tile_a[d * 4u + 2u];
      let a_3 = tile_a[d * 4u + 3u];
      let b_0 = tile_b[d * 4u];
      let b_1 = tile_b[d * 4u + 1u];
      let b_2 = tile_b[d * 4u + 2u];
      let b_3 = tile_b[d * 4u + 3u];
#for i in 0..KEYS
      let x_${i} = load_x(at_${i} + d);
      let y_${i} = load_y(at_${i} + d);
      s_${i} += a_0 * x_${i}.x + a_1 * x_${i}.y + a_2 * x_${i}.z + a_3 * x_${i}.w;
      dp_${i} += b_0 * y_${i}.x + b_1 * y_${i}.y + b_2 * y_${i}.z + b_3 * y_${i}.w;
#endfor
    }
#for i in 0..KEYS
    if (c + ${i}u < count) {
      // Rounding can lift a score above its row's logarithm, never by as much as 1 (a mask keeps it from others).
      let p = exp(min(s_${i} - lse_of(part, item_${i}), Rows(1f)));
      let weight = select(Rows(0f), p, visible(part, item_${i}));
      slopes[c + ${i}u] = weight * (dp_${i} - delta_of(part, item_${i})) * params.scale;
#if SECOND
      weights[c + ${i}u] = weight;
#endif
    }
#endfor
  }
}

/// Sums the threads' shares of one output: entry (row, dim) of the tile.
fn sum_parts(i: u32) -> vec4f {
  var sum = vec4f(0f);
  for (var j = 0u; j < LANES / params.head_vectors; j++) {
    sum += parts[i / params.head_vectors * LANES + j * params.head_vectors + i % params.head_vectors];
  }
  return sum;
}

@compute @workgroup_size(${LANES})
fn ${ENTRY}(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let valid = place(group.y * groups.x + group.x);
  for (var d = lane; d < params.head_vectors; d += LANES) {
#for r in 0..ROWS
    let a_${r} = load_a(${r}u, d) * params.scale;
    let b_${r} = load_b(${r}u, d);
#endfor
#if ROWS == 1
#for j in 0..4
    tile_a[d * 4u + ${j}u] = a_0[${j}];
    tile_b[d * 4u + ${j}u] = b_0[${j}];
#endfor
#else
    let a = transpose(mat${ROWS}x4f(${A_LIST}));
    let b = transpose(mat${ROWS}x4f(${B_LIST}));
#for j in 0..4
    tile_a[d * 4u + ${j}u] = a[${j}];
    tile_b[d * 4u + ${j}u] = b[${j}];
#endfor
#endif
  }
  let span = find_spans(lane, valid);

#for r in 0..ROWS
  var first_${r} = vec4f(0f);
#if SECOND
  var second_${r} = vec4f(0f);
#endif
#endfor
  let dim = lane % params.head_vectors;
  let split = lane / params.head_vectors;
  let splits = LANES / params.head_vectors;
  for (var part = 0u; part < part_count(); part++) {
    let bounds = span_of(span, part);
    for (var base = bounds.x; base < bounds.y; base += CHUNK) {
      let count = min(CHUNK, bounds.y - base);
      score_chunk(part, base, count, lane);
      workgroupBarrier();
      if (split < splits) {
        for (var c = split; c < count; c += splits) {
          let at = stream_at(part, base + c) + dim;
          let x = load_x(at);
          let slope = slopes[c];
#if SECOND
          let y = load_y(at);
          let weight = weights[c];
#endif
#for r in 0..ROWS
          first_${r} += component(slope, ${r}u) * x;
#if SECOND
          second_${r} += component(weight, ${r}u) * y;
#endif
#endfor
        }
      }
      workgroupBarrier();
    }
  }

#for r in 0..ROWS
  parts[${r}u * LANES + lane] = first_${r};
#endfor
  workgroupBarrier();
  for (var i = lane; valid && i < ${ROWS}u * params.head_vectors; i += LANES) {
    store_first(i / params.head_vectors, i % params.head_vectors, sum_parts(i));
  }
#if SECOND
  workgroupBarrier();
#for r in 0..ROWS
  parts[${r}u * LANES + lane] = second_${r};
#endfor
  workgroupBarrier();
  for (var i = lane; valid && i < ${ROWS}u * params.head_vectors; i += LANES) {
    store_second(i / params.head_vectors, i % params.head_vectors, sum_parts(i));
  }
#endif
}
#endif
