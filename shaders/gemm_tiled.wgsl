// C[m, n] = act([C +] op(A) op(B) + bias[n]) + residual[m, n], staged through workgroup memory.
// Bindings and stored shapes as in gemm.wgsl. One workgroup: BM x BN outputs; one thread: 4 x 4 of them.
// Tiles keep the quads of the stored operands (no transposition); in mode nt the B tile is laid out so that
// neighbouring threads read neighbouring quads. Lines and quads past K are zero, rows past M repeat the last one.
// Numerics: f32 sums in ascending k. Blocking after S. Boehm, "How to optimize a CUDA matmul kernel" (2022).

#include "lib/gemm_operands.wgsl"
#include "lib/gemm_epilogue.wgsl"

const BM: u32 = ${BM}u;
const BN: u32 = ${BN}u;
const BK: u32 = ${BK}u;
const THREADS: u32 = BM * BN / 16u;

var<workgroup> tile_a: array<vec4f, BM * BK / 4u>;
var<workgroup> tile_b: array<vec4f, BN * BK / 4u>;

fn stage_a(thread: u32, row: u32, k_start: u32) {
  for (var slot = thread; slot < BM * BK / 4u; slot += THREADS) {
#if MODE == tn
    let line = k_start + slot / (BM / 4u);
    let quad = min(row / 4u + slot % (BM / 4u), (params.m + 3u) / 4u - 1u);
    let value = load_a(a_line_base(min(line, params.k - 1u)), quad);
    tile_a[slot] = select(vec4f(0.0), value, line < params.k);
#else
    let line = min(row + slot / (BK / 4u), params.m - 1u);
    let quad = k_start / 4u + slot % (BK / 4u);
    let value = load_a(a_line_base(line), min(quad, params.k_quads - 1u));
    tile_a[slot] = select(vec4f(0.0), value, quad < params.k_quads);
#endif
  }
}

fn stage_b(thread: u32, column: u32, k_start: u32) {
  for (var slot = thread; slot < BN * BK / 4u; slot += THREADS) {
#if MODE == nt
    let offset = slot / (BK / 4u);
    let k_offset = slot % (BK / 4u);
    let line = min(column + offset, params.n - 1u);
    let quad = k_start / 4u + k_offset;
    let value = load_b(line * params.b_stride, min(quad, params.k_quads - 1u));
    tile_b[k_offset * BN + (offset % 4u) * (BN / 4u) + offset / 4u] = select(vec4f(0.0), value, quad < params.k_quads);
#else
    let line = k_start + slot / (BN / 4u);
    let quad = min(column / 4u + slot % (BN / 4u), (params.n + 3u) / 4u - 1u);
    let value = load_b(min(line, params.k - 1u) * params.b_stride, quad);
    tile_b[slot] = select(vec4f(0.0), value, line < params.k);
#endif
  }
}

@compute @workgroup_size(BN / 4u, BM / 4u)
fn gemm_tiled(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let thread = local.y * (BN / 4u) + local.x;
  let tile_row = group.y * BM;
  let tile_column = group.x * BN;
  let row = tile_row + local.y * 4u;
  let column = tile_column + local.x * 4u;
#for i in 0..4
  var sum_${i} = start_quad(row + ${i}u, column);
#endfor

  for (var k_start = 0u; k_start < params.k; k_start += BK) {
    stage_a(thread, tile_row, k_start);
    stage_b(thread, tile_column, k_start);
    workgroupBarrier();
#if MODE == nt
    for (var q = 0u; q < BK / 4u; q++) {
#for i in 0..4
      let a_${i} = tile_a[(local.y * 4u + ${i}u) * (BK / 4u) + q];
      let b_${i} = tile_b[q * BN + ${i}u * (BN / 4u) + local.x];
#endfor
#for i in 0..4
      sum_${i} += vec4f(dot(a_${i}, b_0), dot(a_${i}, b_1), dot(a_${i}, b_2), dot(a_${i}, b_3));
#endfor
    }
#elif MODE == nn
    for (var q = 0u; q < BK / 4u; q++) {
#for i in 0..4
      let a_${i} = tile_a[(local.y * 4u + ${i}u) * (BK / 4u) + q];
#endfor
#for c in 0..4
      let b_${c} = tile_b[(q * 4u + ${c}u) * (BN / 4u) + local.x];
#for i in 0..4
      sum_${i} += a_${i}[${c}] * b_${c};
#endfor
#endfor
    }
#else
    for (var line = 0u; line < BK; line++) {
      let a_quad = tile_a[line * (BM / 4u) + local.y];
      let b_quad = tile_b[line * (BN / 4u) + local.x];
#for i in 0..4
      sum_${i} += a_quad[${i}] * b_quad;
#endfor
    }
#endif
    workgroupBarrier();
  }

#for i in 0..4
  if (row + ${i}u < params.m) {
    store_quad(row + ${i}u, column, sum_${i});
  }
#endfor
}
