// Column sums over chunks of rows: out[chunk, c] (=|+=) sum over the chunk's rows of f(row, c), in row order.
// f = dy (bias gradients), dy * x * rstd (RMSNorm weight), or dy * (x - mean) * rstd (LayerNorm weight).
// Bindings: dy [rows, cols], [x [rows, cols], stats [rows] or [rows, 2]], out [chunks, cols].
// One invocation = one column of one chunk. Two calls (chunks, then one chunk of partials) make a long sum
// parallel and still deterministic: no atomics.

struct Params { rows: u32, cols: u32, chunk: u32, chunks: u32 }

@group(0) @binding(0) var<storage, read> dy: array<f32>;
#if TERM == plain
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;
#else
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> stats: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;
#endif

@compute @workgroup_size(64)
fn column_sum(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let column = group.x * 64u + lane;
  let chunk = group.y;
  if (column >= params.cols || chunk >= params.chunks) { return; }
  let end = min((chunk + 1u) * params.chunk, params.rows);
  var sum = 0.0;
  for (var row = chunk * params.chunk; row < end; row++) {
    let i = row * params.cols + column;
#if TERM == plain
    sum += dy[i];
#elif TERM == rms
    sum = fma(dy[i], x[i] * stats[row], sum);
#else
    sum = fma(dy[i], (x[i] - stats[2u * row]) * stats[2u * row + 1u], sum);
#endif
  }
  let o = chunk * params.cols + column;
#if ACCUMULATE
  out[o] += sum;
#else
  out[o] = sum;
#endif
}
