// C[m, n] = act([C +] op(A) op(B) + bias[n]) + residual[m, n] for adapters whose loads cost more than their arithmetic.
// Bindings and stored shapes as in gemm.wgsl. Four neighbouring threads (a quad) share TM rows of C; each has its own
// 2 * TN2 columns. A is read once per quad, four elements by one load, and handed round by quadBroadcast.
// Needs subgroups in which a quad is a run of four local invocation indices. In mode tn TM is a multiple of 4.
// No early return before a broadcast: positions are clamped, stores masked; past K only A needs to be zero.
// Numerics: f32 sums in ascending k, the dot product of four k at a time.

enable subgroups;

#include "lib/gemm_operands.wgsl"
#include "lib/gemm_epilogue.wgsl"

// Columns of a quad: runs of four, one for each thread; with packed pairs (PAIR) runs of eight, two neighbours each.
fn column_offset(p: u32, h: u32, lane: u32) -> u32 {
#if PAIR
  return p * 8u + lane * 2u + h;
#else
  return p * 8u + h * 4u + lane;
#endif
}

// This thread's share of a line of A: element `at` if `inside`, else 0.
fn load_own(at: u32, inside: bool) -> f32 {
#if K_ALIGNED
  return a[at];
#else
  return select(0.0, a[at], inside);
#endif
}

@compute @workgroup_size(${WGX}, ${WGY})
fn gemm_quad(@builtin(global_invocation_id) id: vec3u) {
  let lane = id.x & 3u;
  let row = id.y * ${TM}u;
  let first_column = (id.x >> 2u) * ${TN2}u * 8u;
  let last_k = params.k - 1u;
#for p in 0..TN2
#for h in 0..2
  let column_${p}_${h} = min(first_column + column_offset(${p}u, ${h}u, lane), params.n - 1u);
#if MODE == nt
  let b_base_${p}_${h} = column_${p}_${h} * params.b_stride;
#endif
#if MODE == tn
#for i in 0..TM4
#for r in 0..4
  var sum_${i}_${r}_${p}_${h} = start_one(row + ${i}u * 4u + ${r}u, column_${p}_${h});
#endfor
#endfor
#else
#for i in 0..TM
  var sum_${i}_${p}_${h} = start_one(row + ${i}u, column_${p}_${h});
#endfor
#endif
#endfor
#endfor
#if MODE == tn
#for i in 0..TM4
  let a_row_${i} = min(row + ${i}u * 4u + lane, params.m - 1u);
#endfor
#else
#for i in 0..TM
  let a_base_${i} = a_line_base(min(row + ${i}u, params.m - 1u));
#endfor
#endif

  for (var q = 0u; q < params.k_quads; q++) {
#if MODE == nt
#for p in 0..TN2
#for h in 0..2
    let b_${p}_${h} = load_b(b_base_${p}_${h}, q);
#endfor
#endfor
#else
#for c in 0..4
    let line_${c} = min(q * 4u + ${c}u, last_k) * params.b_stride;
#endfor
#for p in 0..TN2
#if PAIR
#for c in 0..4
    let pair_${p}_${c} = unpack_pair(b[(line_${c} + min(column_${p}_0, params.n - 2u)) >> 1u]);
#endfor
    let b_${p}_0 = vec4f(pair_${p}_0.x, pair_${p}_1.x, pair_${p}_2.x, pair_${p}_3.x);
    let b_${p}_1 = vec4f(pair_${p}_0.y, pair_${p}_1.y, pair_${p}_2.y, pair_${p}_3.y);
#else
#for h in 0..2
    let b_${p}_${h} = vec4f(
      load_b_one(line_0, column_${p}_${h}), load_b_one(line_1, column_${p}_${h}),
      load_b_one(line_2, column_${p}_${h}), load_b_one(line_3, column_${p}_${h}));
#endfor
#endif
#endfor
#endif

#if MODE == tn
#for i in 0..TM4
#for c in 0..4
    let own_${i}_${c} = load_own(a_line_base(min(q * 4u + ${c}u, last_k)) + a_row_${i}, q * 4u + ${c}u <= last_k);
#endfor
#for r in 0..4
    let a_${i}_${r} = vec4f(
      quadBroadcast(own_${i}_0, ${r}u), quadBroadcast(own_${i}_1, ${r}u),
      quadBroadcast(own_${i}_2, ${r}u), quadBroadcast(own_${i}_3, ${r}u));
#endfor
#endfor
#else
#for i in 0..TM
    let own_${i} = load_own(a_base_${i} + min(q * 4u + lane, last_k), q * 4u + lane <= last_k);
    let a_${i} = vec4f(
      quadBroadcast(own_${i}, 0u), quadBroadcast(own_${i}, 1u),
      quadBroadcast(own_${i}, 2u), quadBroadcast(own_${i}, 3u));
#endfor
#endif

#for p in 0..TN2
#for h in 0..2
#if MODE == tn
#for i in 0..TM4
#for r in 0..4
    sum_${i}_${r}_${p}_${h} += dot(a_${i}_${r}, b_${p}_${h});
#endfor
#endfor
#else
#for i in 0..TM
    sum_${i}_${p}_${h} += dot(a_${i}, b_${p}_${h});
#endfor
#endif
#endfor
#endfor
  }

  // One body for all rows: the epilogue is written out once per column, not once per register.
  var sums: array<f32, ${OUTPUTS}>;
#for p in 0..TN2
#for h in 0..2
#if MODE == tn
#for i in 0..TM4
#for r in 0..4
  sums[(${i} * 4 + ${r}) * 2 * ${TN2} + ${p} * 2 + ${h}] = sum_${i}_${r}_${p}_${h};
#endfor
#endfor
#else
#for i in 0..TM
  sums[${i} * 2 * ${TN2} + ${p} * 2 + ${h}] = sum_${i}_${p}_${h};
#endfor
#endif
#endfor
#endfor
  for (var i = 0u; i < ${TM}u && row + i < params.m; i++) {
#for p in 0..TN2
#for h in 0..2
    store_one(row + i, first_column + column_offset(${p}u, ${h}u, lane), sums[i * 2u * ${TN2}u + ${p}u * 2u + ${h}u]);
#endfor
#endfor
  }
}
