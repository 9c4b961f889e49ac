// Sums and maxima over one workgroup of ${WG} invocations (a power of two), by a fixed tree.
// Not subgroup code: correct for every subgroup size. Invariant: the result is uniform, the same on every run,
// and the scratch may be reused at once. Every invocation of the workgroup must call, in uniform control flow.

var<workgroup> reduce_scratch: array<f32, ${WG}>;

fn workgroup_sum(lane: u32, value: f32) -> f32 {
  reduce_scratch[lane] = value;
  workgroupBarrier();
  for (var half = ${WG}u / 2u; half > 0u; half /= 2u) {
    if (lane < half) { reduce_scratch[lane] += reduce_scratch[lane + half]; }
    workgroupBarrier();
  }
  return workgroupUniformLoad(&reduce_scratch[0]);
}

fn workgroup_max(lane: u32, value: f32) -> f32 {
  reduce_scratch[lane] = value;
  workgroupBarrier();
  for (var half = ${WG}u / 2u; half > 0u; half /= 2u) {
    if (lane < half) { reduce_scratch[lane] = max(reduce_scratch[lane], reduce_scratch[lane + half]); }
    workgroupBarrier();
  }
  return workgroupUniformLoad(&reduce_scratch[0]);
}
