// Second half of a global norm, and the clipping factor of torch's clip_grad_norm_:
//   norm = sqrt(sum), factor = min(1, max_norm / (norm + 1e-6)), or 1 where max_norm is 0.
// Bindings: partials [chunks, 2] = sum of squares, number of non-finite elements; clip [4] = factor, norm, skip, 0.
// One invocation: the chunks are few, and their order is fixed. skip is 1, and factor 0, when an element or the sum
// is not finite.

struct Params { chunks: u32, max_norm: f32 }

@group(0) @binding(0) var<storage, read> partials: array<f32>;
@group(0) @binding(1) var<storage, read_write> clip: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(1)
fn clip_factor() {
  var sum = 0.0;
  var broken = 0.0;
  for (var i = 0u; i < params.chunks; i++) {
    sum += partials[2u * i];
    broken += partials[2u * i + 1u];
  }
  let overflow = (bitcast<u32>(sum) & 0x7f800000u) == 0x7f800000u;
  let skip = broken > 0.0 || overflow;
  let norm = sqrt(select(sum, 0.0, overflow));
  var factor = 1.0;
  if (params.max_norm > 0.0) { factor = min(1.0, params.max_norm / (norm + 1e-6)); }
  clip[0] = select(factor, 0.0, skip);
  clip[1] = norm;
  clip[2] = select(0.0, 1.0, skip);
  clip[3] = 0.0;
}
