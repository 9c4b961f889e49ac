// Draws 128 random bits from a counter and a key by Philox4x32-10, a counter-based generator without state. The same
// (counter, key) gives the same bits on every device, as it uses integers only.
// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

fn multiply_wide(a: u32, b: u32) -> vec2u {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let cross_a = (a >> 16u) * (b & 0xffffu);
  let cross_b = (a & 0xffffu) * (b >> 16u);
  let middle = (low >> 16u) + (cross_a & 0xffffu) + (cross_b & 0xffffu);
  let high = (a >> 16u) * (b >> 16u) + (cross_a >> 16u) + (cross_b >> 16u) + (middle >> 16u);
  return vec2u(high, a * b);
}

fn philox(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter;
  var k = key;
  for (var round = 0u; round < 10u; round++) {
    let p = multiply_wide(0xd2511f53u, c.x);
    let q = multiply_wide(0xcd9e8d57u, c.z);
    c = vec4u(q.x ^ c.y ^ k.x, q.y, p.x ^ c.w ^ k.y, p.y);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}

// A float in the open interval (0, 1) on a grid of 2^-23: never 0, so that nothing of negligible mass is drawn.
fn uniform_open(bits: u32) -> f32 {
  return (f32(bits >> 9u) + 0.5) * 0x1p-23;
}
