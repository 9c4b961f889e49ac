// What the GEMM family does with finished sums: C (=|+=) act(sum + bias[n]) + residual[m, n], then the store.
// Defines: BIAS, RESIDUAL, ACCUMULATE, ACTIVATION, VEC_C (N is a multiple of 4), and the binding numbers.
// Rows must be in range; columns beyond N are skipped here.

#if BIAS
#if VEC_C
@group(0) @binding(${BIAS_BINDING}) var<storage, read> bias: array<vec4f>;
#else
@group(0) @binding(${BIAS_BINDING}) var<storage, read> bias: array<f32>;
#endif
#endif
#if RESIDUAL
#if VEC_C
@group(0) @binding(${RESIDUAL_BINDING}) var<storage, read> residual: array<vec4f>;
#else
@group(0) @binding(${RESIDUAL_BINDING}) var<storage, read> residual: array<f32>;
#endif
#endif
#if VEC_C
@group(0) @binding(${C_BINDING}) var<storage, read_write> c: array<vec4f>;
#else
@group(0) @binding(${C_BINDING}) var<storage, read_write> c: array<f32>;
#endif

#if ACTIVATION != none
#include "lib/activation.wgsl"
#endif

#if VEC_C
fn store_quad(row: u32, column: u32, sum: vec4f) {
  if (column >= params.n) {
    return;
  }
  let at = row * (params.n / 4u) + column / 4u;
  var value = sum;
#if BIAS
  value += bias[column / 4u];
#endif
#if ACTIVATION != none
  value = vec4f(${ACTIVATION}(value.x), ${ACTIVATION}(value.y), ${ACTIVATION}(value.z), ${ACTIVATION}(value.w));
#endif
#if RESIDUAL
  value += residual[at];
#endif
#if ACCUMULATE
  value += c[at];
#endif
  c[at] = value;
}
#else
fn store_one(row: u32, column: u32, sum: f32) {
  if (column >= params.n) {
    return;
  }
  let at = row * params.n + column;
  var value = sum;
#if BIAS
  value += bias[column];
#endif
#if ACTIVATION != none
  value = ${ACTIVATION}(value);
#endif
#if RESIDUAL
  value += residual[at];
#endif
#if ACCUMULATE
  value += c[at];
#endif
  c[at] = value;
}

fn store_quad(row: u32, column: u32, sum: vec4f) {
  store_one(row, column, sum.x);
  store_one(row, column + 1u, sum.y);
  store_one(row, column + 2u, sum.z);
  store_one(row, column + 3u, sum.w);
}
#endif
