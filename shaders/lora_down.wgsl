// The first half of the low-rank updates of one projection, for few rows M and all modules at once:
//   u[m, first + i] = strength scale r[m] sum_k A[i, k] g[k] x[m, k].
// With NORM g is the weight of RMSNorm and r[m] = 1 / sqrt(mean_k x[m, k]^2 + eps); else both are 1. A lies in the adapter's
// arena. Bindings: x f32[M, K], arena f32[*], [g f32[K]], strength f32[1], u f32[M, U], params. K is a multiple of 4.
// One workgroup = one line of u, i.e. one row of one A; LANES threads share it by a fixed tree, sums in f32.
// Source: Hu et al. 2021, arXiv:2106.09685.

struct Params {
  k_quads: u32,
  k: u32,
  eps: f32,
  u_stride: u32,
  modules: array<vec4u, 3>,
  scales: vec4f,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> arena: array<vec4f>;
#if NORM
@group(0) @binding(2) var<storage, read> gain: array<vec4f>;
#endif
@group(0) @binding(${STRENGTH_BINDING}) var<storage, read> strength: array<f32>;
@group(0) @binding(${U_BINDING}) var<storage, read_write> u: array<f32>;
@group(0) @binding(${PARAMS_BINDING}) var<uniform> params: Params;

const LANES: u32 = ${LANES}u;

var<workgroup> partial: array<f32, ${M}u * LANES>;
#if NORM
var<workgroup> squares: array<f32, ${M}u * LANES>;
#endif

@compute @workgroup_size(LANES)
fn lora_down(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  // Module of this line: first line, rank, first quad of A in the arena.
  var part = 0u;
#for i in 1..MODULES
  if (group.x >= params.modules[${i}].x) { part = ${i}u; }
#endfor
  let place = params.modules[part];
  let line = place.z + (group.x - place.x) * params.k_quads;
#for i in 0..M
  var sum_${i} = 0.0;
#if NORM
  var square_${i} = 0.0;
#endif
#endfor
  for (var q = lane; q < params.k_quads; q += LANES) {
#if NORM
    let weight = arena[line + q] * gain[q];
#else
    let weight = arena[line + q];
#endif
#for i in 0..M
    let x_${i} = x[${i}u * params.k_quads + q];
    sum_${i} += dot(x_${i}, weight);
#if NORM
    square_${i} += dot(x_${i}, x_${i});
#endif
#endfor
  }
#for i in 0..M
  partial[${i}u * LANES + lane] = sum_${i};
#if NORM
  squares[${i}u * LANES + lane] = square_${i};
#endif
#endfor
  for (var stride = LANES / 2u; stride > 0u; stride /= 2u) {
    workgroupBarrier();
    if (lane < stride) {
#for i in 0..M
      partial[${i}u * LANES + lane] += partial[${i}u * LANES + lane + stride];
#if NORM
      squares[${i}u * LANES + lane] += squares[${i}u * LANES + lane + stride];
#endif
#endfor
    }
  }
  workgroupBarrier();
  if (lane >= ${M}u) { return; }
  var value = strength[0] * params.scales[part] * partial[lane * LANES];
#if NORM
  value *= inverseSqrt(squares[lane * LANES] / f32(params.k) + params.eps);
#endif
  u[lane * params.u_stride + group.x] = value;
}
