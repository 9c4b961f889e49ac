// C[m, n] = act([C +] op(A) op(B) + bias[n]) + residual[m, n], straight from global memory.
// Bindings: A, B, [bias f32[N]], [residual f32[M, N]], C f32[M, N] (read_write), params.
// Stored shapes by MODE: nn A[M, K] B[K, N]; nt A[M, K] B[N, K]; tn A[K, M] B[K, N]. B may be packed bf16 or f16.
// One thread: TM x TN outputs in registers (TN a multiple of 4, in mode tn TM too).
// No workgroup memory and no barrier: best on software adapters, fair on GPUs with good caches.
// Numerics: f32 sums in ascending k; mode nt adds the dot product of four k at a time.

#include "lib/gemm_operands.wgsl"
#include "lib/gemm_epilogue.wgsl"

@compute @workgroup_size(${WGX}, ${WGY})
fn gemm(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y * ${TM}u;
  let column = id.x * ${TN}u;
  if (row >= params.m || column >= params.n) {
    return;
  }

#if MODE == tn
#for i in 0..TM4
#for c in 0..4
#for j in 0..TN4
  var sum_${i}_${c}_${j} = start_quad(row + ${i}u * 4u + ${c}u, column + ${j}u * 4u);
#endfor
#endfor
  let a_quad_${i} = min(row / 4u + ${i}u, (params.m + 3u) / 4u - 1u);
#endfor
#else
#for i in 0..TM
#for j in 0..TN4
  var sum_${i}_${j} = start_quad(row + ${i}u, column + ${j}u * 4u);
#endfor
  let a_base_${i} = a_line_base(min(row + ${i}u, params.m - 1u));
#endfor
#endif
#if MODE == nt
#for j in 0..TN4
#for c in 0..4
  let b_base_${j}_${c} = min(column + ${j}u * 4u + ${c}u, params.n - 1u) * params.b_stride;
#endfor
#endfor
#else
#for j in 0..TN4
  let b_quad_${j} = min(column / 4u + ${j}u, (params.n + 3u) / 4u - 1u);
#endfor
#endif

#if MODE == nt
  for (var q = 0u; q < params.k_quads; q++) {
#for i in 0..TM
    let a_${i} = load_a(a_base_${i}, q);
#endfor
#for j in 0..TN4
#for c in 0..4
    let b_${j}_${c} = load_b(b_base_${j}_${c}, q);
#endfor
#for i in 0..TM
    sum_${i}_${j} += vec4f(
      dot(a_${i}, b_${j}_0), dot(a_${i}, b_${j}_1), dot(a_${i}, b_${j}_2), dot(a_${i}, b_${j}_3));
#endfor
#endfor
  }
#elif MODE == nn
  for (var q = 0u; q < params.k_quads; q++) {
#for i in 0..TM
    let a_${i} = load_a(a_base_${i}, q);
#endfor
#for c in 0..4
#for j in 0..TN4
    // Past the last line A is zero, so any finite line of B will do.
    let b_${j}_${c} = load_b(min(q * 4u + ${c}u, params.k - 1u) * params.b_stride, b_quad_${j});
#for i in 0..TM
    sum_${i}_${j} += a_${i}[${c}] * b_${j}_${c};
#endfor
#endfor
#endfor
  }
#else
  for (var line = 0u; line < params.k; line++) {
    let a_base = a_line_base(line);
    let b_base = line * params.b_stride;
#for i in 0..TM4
    let a_${i} = load_a(a_base, a_quad_${i});
#endfor
#for j in 0..TN4
    let b_${j} = load_b(b_base, b_quad_${j});
#for i in 0..TM4
#for c in 0..4
    sum_${i}_${c}_${j} += a_${i}[${c}] * b_${j};
#endfor
#endfor
#endfor
  }
#endif

  // One body for all outputs: the epilogue is written out once, not for every register.
  var sums: array<vec4f, ${QUADS}>;
#for j in 0..TN4
#if MODE == tn
#for i in 0..TM4
#for c in 0..4
  sums[(${i} * 4 + ${c}) * ${TN4} + ${j}] = sum_${i}_${c}_${j};
#endfor
#endfor
#else
#for i in 0..TM
  sums[${i} * ${TN4} + ${j}] = sum_${i}_${j};
#endfor
#endif
#endfor
  for (var i = 0u; i < ${TM}u && row + i < params.m; i++) {
    for (var j = 0u; j < ${TN4}u; j++) {
      store_quad(row + i, column + j * 4u, sums[i * ${TN4}u + j]);
    }
  }
}
