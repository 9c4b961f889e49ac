// C[m, n] = act([C +] A B^T + bias[n]) + residual[m, n] for few rows M (decoding): memory-bound, B is read once.
// Bindings: A f32[M, K], B[N, K] (f32, bf16 or f16), [bias f32[N]], [residual f32[M, N]], C f32[M, N], params.
// One workgroup: ROWS lines of B; LANES threads share a line, each with M sums over every LANES-th quad of k.
// Numerics: f32 sums, then a fixed tree over the lanes, so results do not depend on the order of execution.

#include "lib/gemm_operands.wgsl"
#include "lib/gemm_epilogue.wgsl"

const LANES: u32 = ${LANES}u;
const ROWS: u32 = ${ROWS}u;

var<workgroup> partial: array<f32, ${M}u * LANES * ROWS>;

@compute @workgroup_size(LANES, ROWS)
fn gemm_vector(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let column = (group.y * groups.x + group.x) * ROWS + local.y;
  let b_base = min(column, params.n - 1u) * params.b_stride;
#for i in 0..M
  var sum_${i} = 0.0;
#endfor
  for (var q = local.x; q < params.k_quads; q += LANES) {
    let weight = load_b(b_base, q);
#for i in 0..M
    sum_${i} += dot(load_a(a_line_base(${i}u), q), weight);
#endfor
  }

  let slot = local.y * LANES + local.x;
#for i in 0..M
  partial[${i}u * LANES * ROWS + slot] = sum_${i};
#endfor
  for (var stride = LANES / 2u; stride > 0u; stride /= 2u) {
    workgroupBarrier();
    if (local.x < stride) {
#for i in 0..M
      partial[${i}u * LANES * ROWS + slot] += partial[${i}u * LANES * ROWS + slot + stride];
#endfor
    }
  }
  workgroupBarrier();
  if (local.x < ${M}u) {
    let sum = partial[local.x * LANES * ROWS + local.y * LANES];
    store_one(local.x, column, start_one(local.x, column) + sum);
  }
}
