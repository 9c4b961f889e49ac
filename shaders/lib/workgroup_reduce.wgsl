// Sums and maximises over the ${WG} invocations (a power of two) that share a row, by a fixed tree that is correct
// for every subgroup size. The result is uniform and the same on every run, and the scratch may be reused at once.
// Every invocation of the workgroup must call, in uniform control flow.
// With WG 1 a row belongs to one invocation: no barrier is left, which is what software adapters want. Including
// files read a workgroup variable that all must agree on as ${LOAD}(&variable).

#if WG == 1
fn row_barrier() {}

fn workgroup_sum(lane: u32, value: f32) -> f32 { return value; }

fn workgroup_max(lane: u32, value: f32) -> f32 { return value; }
#else
var<workgroup> reduce_scratch: array<f32, ${WG}>;

fn row_barrier() { workgroupBarrier(); }

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
#endif
