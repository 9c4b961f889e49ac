// Computes activation functions and their derivatives with respect to x, for f32, finite for every finite x: no exp
// or tanh sees an argument that could overflow.
// erf: minimax-like fits made for this file (Chebyshev interpolation, f32 Horner): |x| < 1 an odd polynomial, above
// it 1 - exp(-x^2) * poly(1 / (1 + x/2)); largest error against f64 1.1e-7 with a correctly rounded exp.

const SQRT_HALF: f32 = 0.70710678118654752;
const INV_SQRT_2PI: f32 = 0.39894228040143268;
const TWO_OVER_SQRT_PI: f32 = 1.1283791670955126;

fn erf_approx(x: f32) -> f32 {
  let a = min(abs(x), 4.0);
  let z = a * a;
  var p = fma(-0.00056541059, z, 0.0049232775);
  p = fma(p, z, -0.026716385);
  p = fma(p, z, 0.11280364);
  p = fma(p, z, -0.37612349);
  p = fma(p, z, 1.1283791);
  let t = 1.0 / fma(0.5, a, 1.0);
  var q = fma(0.12026211, t, -0.47445801);
  q = fma(q, t, 0.56819129);
  q = fma(q, t, -0.10769317);
  q = fma(q, t, 0.34980762);
  q = fma(q, t, 0.25910446);
  q = fma(q, t, 0.28500554);
  q = fma(q, t, -0.00016045762);
  let magnitude = select(1.0 - exp(-z) * q, a * p, a < 1.0);
  return select(magnitude, -magnitude, x < 0.0);
}

fn erf_derivative(x: f32) -> f32 {
  return TWO_OVER_SQRT_PI * exp(-min(x * x, 87.0));
}

fn sigmoid(x: f32) -> f32 {
  return 1.0 / (1.0 + exp(clamp(-x, -87.0, 87.0)));
}

fn sigmoid_derivative(x: f32) -> f32 {
  let s = sigmoid(x);
  return s * (1.0 - s);
}

fn silu(x: f32) -> f32 {
  return x * sigmoid(x);
}

fn silu_derivative(x: f32) -> f32 {
  let s = sigmoid(x);
  return s * fma(x, 1.0 - s, 1.0);
}

// Hugging Face "gelu": x * Phi(x) with the exact normal distribution function.
fn gelu(x: f32) -> f32 {
  return 0.5 * x * (1.0 + erf_approx(x * SQRT_HALF));
}

fn gelu_derivative(x: f32) -> f32 {
  let c = clamp(x, -13.0, 13.0);
  return fma(c, INV_SQRT_2PI * exp(-0.5 * c * c), 0.5 * (1.0 + erf_approx(x * SQRT_HALF)));
}

fn gelu_tanh_inner(x: f32) -> f32 {
  let c = clamp(x, -16.0, 16.0);
  return clamp(0.79788456080286536 * fma(0.044715 * c * c, c, c), -15.0, 15.0);
}

// Hugging Face "gelu_pytorch_tanh".
fn gelu_tanh(x: f32) -> f32 {
  return 0.5 * x * (1.0 + tanh(gelu_tanh_inner(x)));
}

fn gelu_tanh_derivative(x: f32) -> f32 {
  let c = clamp(x, -16.0, 16.0);
  let t = tanh(gelu_tanh_inner(x));
  let inner = 0.79788456080286536 * fma(0.134145 * c, c, 1.0);
  return 0.5 * (1.0 + t) + 0.5 * c * (1.0 - t * t) * inner;
}

// Hugging Face "quick_gelu".
fn quick_gelu(x: f32) -> f32 {
  return x * sigmoid(1.702 * x);
}

fn quick_gelu_derivative(x: f32) -> f32 {
  let s = sigmoid(1.702 * x);
  return s * fma(1.702 * x, 1.0 - s, 1.0);
}
