// The layer of fused_gemv.wgsl without low-rank updates, for adapters whose loads cost more than their arithmetic and whose
// barriers cost more than both: C[m, n] = y[m, n] + residual[m, n], or with GATED silu(gates) * ups, y = norm(x) W^T + bias.
// Bindings: x f32[M, K], W[N, K], [g f32[K]], [bias f32[N]], [residual f32[M, N]], C, params. K is a multiple of 4.
// Four neighbouring threads (a quad) share TM rows of C; each has TN outputs of a row, with GATED two lines of W for each. x is
// read once per quad, one element by each thread, and handed round by quadBroadcast, as in gemm_quad.wgsl; the squares
// of the norm are summed beside the product. No early return before a broadcast: positions are clamped, stores masked.
// Numerics: f32 sums in ascending k, the dot product of four k at a time; the norm's factor comes behind the product.

enable subgroups;

struct Params {
  m: u32,
  k: u32,
  k_quads: u32,
  b_stride: u32,
  outputs: u32,
  eps: f32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
#if WEIGHT == f32
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
#else
#if !QUANTISED
@group(0) @binding(1) var<storage, read> b: array<vec2u>;
#endif
#include "lib/weight_load.wgsl"
#endif
#if NORM
@group(0) @binding(${NORM_BINDING}) var<storage, read> gain: array<f32>;
#endif
#if BIAS
@group(0) @binding(${BIAS_BINDING}) var<storage, read> bias: array<f32>;
#endif
#if RESIDUAL
@group(0) @binding(${RESIDUAL_BINDING}) var<storage, read> residual: array<f32>;
#endif
@group(0) @binding(${C_BINDING}) var<storage, read_write> c: array<f32>;
@group(0) @binding(${PARAMS_BINDING}) var<uniform> params: Params;

#if GATED
#include "lib/activation.wgsl"
#endif

#include "lib/weight_line.wgsl"

/// The product's sum with the norm's factor and the bias.
fn finished(sum: f32, factor: f32, column: u32) -> f32 {
#if BIAS
  return sum * factor + bias[column];
#else
  return sum * factor;
#endif
}

@compute @workgroup_size(4)
fn fused_quad(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * ${TM}u;
  let first = group.x * ${TN}u * 4u + lane;
#for p in 0..TN
  let line_${p} = min(first + ${p}u * 4u, params.outputs - 1u) * params.b_stride;
#if GATED
  let up_line_${p} = line_${p} + params.outputs * params.b_stride;
#endif
#endfor
#for i in 0..TM
  let x_base_${i} = min(row + ${i}u, params.m - 1u) * params.k + lane;
#if NORM
  var square_${i} = 0.0;
#endif
#for p in 0..TN
  var sum_${i}_${p} = 0.0;
#if GATED
  var up_sum_${i}_${p} = 0.0;
#endif
#endfor
#endfor

  for (var q = 0u; q < params.k_quads; q++) {
#if NORM
    let g = gain[q * 4u + lane];
#endif
#for i in 0..TM
#if NORM
    let x_${i} = a[x_base_${i} + q * 4u];
    square_${i} += x_${i} * x_${i};
    let own_${i} = x_${i} * g;
#else
    let own_${i} = a[x_base_${i} + q * 4u];
#endif
    let a_${i} = vec4f(
      quadBroadcast(own_${i}, 0u), quadBroadcast(own_${i}, 1u),
      quadBroadcast(own_${i}, 2u), quadBroadcast(own_${i}, 3u));
#endfor
#for p in 0..TN
    let b_${p} = load_line(line_${p}, q);
#for i in 0..TM
    sum_${i}_${p} += dot(a_${i}, b_${p});
#endfor
#if GATED
    let up_${p} = load_line(up_line_${p}, q);
#for i in 0..TM
    up_sum_${i}_${p} += dot(a_${i}, up_${p});
#endfor
#endif
#endfor
  }

#for i in 0..TM
#if NORM
  let squares_${i} = quadBroadcast(square_${i}, 0u) + quadBroadcast(square_${i}, 1u)
    + quadBroadcast(square_${i}, 2u) + quadBroadcast(square_${i}, 3u);
  let factor_${i} = inverseSqrt(squares_${i} / f32(params.k) + params.eps);
#else
  let factor_${i} = 1.0;
#endif
#endfor
  // One body for all outputs, as written out it takes several times as long to compile.
  var sums = array<f32, ${OUTPUTS}>(${SUM_LIST});
#if GATED
  var up_sums = array<f32, ${OUTPUTS}>(${UP_LIST});
#endif
  var factors = array<f32, ${TM}>(${FACTOR_LIST});
  for (var at = 0u; at < ${OUTPUTS}u; at++) {
    let i = at / ${TN}u;
    let column = first + (at % ${TN}u) * 4u;
    if (row + i >= params.m || column >= params.outputs) { continue; }
    let place = (row + i) * params.outputs + column;
    var value = finished(sums[at], factors[i], column);
#if GATED
    value = silu(value) * finished(up_sums[at], factors[i], column + params.outputs);
#endif
#if RESIDUAL
    value += residual[place];
#endif
    c[place] = value;
  }
}
