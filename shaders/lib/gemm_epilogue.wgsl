// Starts the sums of the GEMM family, at zero or with ACCUMULATE at what C holds, and stores the finished ones:
// C = act(sum + bias) + residual. Bias and residual have C's columns, c_first included.
// Defines: BIAS, RESIDUAL, ACCUMULATE, ACTIVATION, VEC_C (N and the lines of C are multiples of 4), binding numbers.
// Rows to store must be in range; columns beyond N are skipped here.

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
fn start_quad(row: u32, column: u32) -> vec4f {
#if ACCUMULATE
  let at = params.c_first + min(column, params.n - 4u) / 4u;
  return c[min(row, params.m - 1u) * params.c_stride + at];
#else
  return vec4f(0.0);
#endif
}

fn store_quad(row: u32, column: u32, sum: vec4f) {
  if (column >= params.n) {
    return;
  }
  let c_column = params.c_first + column / 4u;
  let at = row * params.c_stride + c_column;
  var value = sum;
#if BIAS
  value += bias[c_column];
#endif
#if ACTIVATION != none
  value = vec4f(${ACTIVATION}(value.x), ${ACTIVATION}(value.y), ${ACTIVATION}(value.z), ${ACTIVATION}(value.w));
#endif
#if RESIDUAL
  value += residual[at];
#endif
  c[at] = value;
}
#else
fn start_one(row: u32, column: u32) -> f32 {
#if ACCUMULATE
  let at = params.c_first + min(column, params.n - 1u);
  return c[min(row, params.m - 1u) * params.c_stride + at];
#else
  return 0.0;
#endif
}

fn start_quad(row: u32, column: u32) -> vec4f {
  return vec4f(
    start_one(row, column), start_one(row, column + 1u),
    start_one(row, column + 2u), start_one(row, column + 3u));
}

fn store_one(row: u32, column: u32, sum: f32) {
  if (column >= params.n) {
    return;
  }
  let c_column = params.c_first + column;
  let at = row * params.c_stride + c_column;
  var value = sum;
#if BIAS
  value += bias[c_column];
#endif
#if ACTIVATION != none
  value = ${ACTIVATION}(value);
#endif
#if RESIDUAL
  value += residual[at];
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
