// A decode step's linear layer in one dispatch, for few rows M:
//   C[m, n] = y[m, n] + residual[m, n], or with GATED C[m, n] = silu(y[m, n]) * y[m, n + N] for N gates, then N ups, where
//   y[m, n] = r[m] sum_k x[m, k] g[k] W[n, k] + bias[n] + sum_i u[m, first + i] B[n - begin, i].
// With NORM g is the weight of RMSNorm and r[m] = 1 / sqrt(mean_k x[m, k]^2 + eps), summed up beside the product, so that the
// normalised row is never stored; else both are 1. The last sum is there with LORA: u = scale A x comes from lora_down, and B
// lies in the adapter's arena; a fused projection has up to MODULES of them, each with its own columns [begin, end).
// Bindings: x f32[M, K], W[N, K], [g f32[K]], [bias f32[N]], [residual f32[M, N]], [u f32[M, U], arena f32[*]], C f32[M, N], params.
// One workgroup: ROWS lines of W; LANES threads share a line, each with M sums over every LANES-th quad of k. K is a multiple
// of 4. With GATED the second half of the lines are the ups of the first.
// Numerics: f32 sums, then a fixed tree over the lanes, so results do not depend on the order of execution.

struct Params {
  n: u32,
  k_quads: u32,
  b_stride: u32,
  k: u32,
  eps: f32,
  u_stride: u32,
  outputs: u32,
  spare: u32,
  modules: array<vec4u, 6>,
}

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
#if !QUANTISED
#if WEIGHT == f32
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
#else
@group(0) @binding(1) var<storage, read> b: array<vec2u>;
#endif
#endif
#if WEIGHT != f32
#include "lib/weight_load.wgsl"
#endif
#if NORM
@group(0) @binding(${NORM_BINDING}) var<storage, read> gain: array<vec4f>;
#endif
#if BIAS
@group(0) @binding(${BIAS_BINDING}) var<storage, read> bias: array<f32>;
#endif
#if RESIDUAL
@group(0) @binding(${RESIDUAL_BINDING}) var<storage, read> residual: array<f32>;
#endif
#if LORA
@group(0) @binding(${U_BINDING}) var<storage, read> u: array<f32>;
@group(0) @binding(${ARENA_BINDING}) var<storage, read> arena: array<f32>;
#endif
@group(0) @binding(${C_BINDING}) var<storage, read_write> c: array<f32>;
@group(0) @binding(${PARAMS_BINDING}) var<uniform> params: Params;

#if GATED
#include "lib/activation.wgsl"
#endif

const LANES: u32 = ${LANES}u;
const ROWS: u32 = ${ROWS}u;
const LINES: u32 = ${LINES}u;

var<workgroup> partial: array<f32, ${M}u * LANES * ROWS>;
#if NORM
var<workgroup> squares: array<f32, ${M}u * LANES * ROWS>;
#endif

#include "lib/weight_line.wgsl"

// The product's sum with what is added to it: one element of y.
fn finished(row: u32, line: u32, column: u32) -> f32 {
  let slot = row * LANES * ROWS + line * LANES;
  var value = partial[slot];
#if NORM
  value *= inverseSqrt(squares[slot] / f32(params.k) + params.eps);
#endif
#if BIAS
  value += bias[column];
#endif
#if LORA
  for (var part = 0u; part < ${MODULES}u; part++) {
    // begin, end, rank, first value of u; first value of B in the arena.
    let place = params.modules[2u * part];
    if (column < place.x || column >= place.y) { continue; }
    let base = params.modules[2u * part + 1u].x + (column - place.x) * place.z;
    var sum = 0.0;
    for (var i = 0u; i < place.z; i++) {
      sum += u[row * params.u_stride + place.w + i] * arena[base + i];
    }
    value += sum;
  }
#endif
  return value;
}

@compute @workgroup_size(LANES, ROWS)
fn fused_gemv(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let first = (group.y * groups.x + group.x) * LINES;
#if GATED
  let is_up = local.y >= LINES;
  let column = min(first + local.y % LINES, params.outputs - 1u) + select(0u, params.outputs, is_up);
#else
  let column = min(first + local.y, params.outputs - 1u);
#endif
  let b_base = column * params.b_stride;
#for i in 0..M
  var sum_${i} = 0.0;
#if NORM
  var square_${i} = 0.0;
#endif
#endfor
  for (var q = local.x; q < params.k_quads; q += LANES) {
#if NORM
    let weight = load_line(b_base, q) * gain[q];
#else
    let weight = load_line(b_base, q);
#endif
#for i in 0..M
    let x_${i} = a[${i}u * params.k_quads + q];
    sum_${i} += dot(x_${i}, weight);
#if NORM
    square_${i} += dot(x_${i}, x_${i});
#endif
#endfor
  }

  let slot = local.y * LANES + local.x;
#for i in 0..M
  partial[${i}u * LANES * ROWS + slot] = sum_${i};
#if NORM
  squares[${i}u * LANES * ROWS + slot] = square_${i};
#endif
#endfor
  for (var stride = LANES / 2u; stride > 0u; stride /= 2u) {
    workgroupBarrier();
    if (local.x < stride) {
#for i in 0..M
      partial[${i}u * LANES * ROWS + slot] += partial[${i}u * LANES * ROWS + slot + stride];
#if NORM
      squares[${i}u * LANES * ROWS + slot] += squares[${i}u * LANES * ROWS + slot + stride];
#endif
#endfor
    }
  }
  workgroupBarrier();
  let output = first + local.y;
  if (local.x >= ${M}u || local.y >= LINES || output >= params.outputs) { return; }
  let row = local.x;
  let at = row * params.outputs + output;
#if GATED
  let gate = finished(row, local.y, output);
  let up = finished(row, local.y + LINES, output + params.outputs);
  c[at] = silu(gate) * up;
#else
  var value = finished(row, local.y, output);
#if RESIDUAL
  value += residual[at];
#endif
  c[at] = value;
#endif
}
