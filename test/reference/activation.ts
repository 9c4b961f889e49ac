// Activation functions and derivatives in f64. erf is the Taylor series for small arguments and a continued fraction
// (Lentz's method) for large ones: slow, and right to about 1e-15.

/** The error function. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 2.5) {
    let term = a;
    let sum = a;
    for (let n = 1; Math.abs(term) > 1e-18; n++) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  // erfc(a) = exp(-a²) / (a sqrt(pi)) / (1 + ...): the fraction a + (1/2)/(a + 1/(a + (3/2)/(a + ...))).
  let fraction = a;
  for (let n = 200; n > 0; n--) fraction = a + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / fraction);
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const tanhArgument = (x: number) => Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);

/** Each activation as f and its derivative df, by Hugging Face name. */
export const ACTIVATIONS: Readonly<Record<string, { f: (x: number) => number; df: (x: number) => number }>> =
  {
    sigmoid: { f: sigmoid, df: (x) => sigmoid(x) * (1 - sigmoid(x)) },
    silu: { f: (x) => x * sigmoid(x), df: (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x))) },
    quick_gelu: {
      f: (x) => x * sigmoid(1.702 * x),
      df: (x) => sigmoid(1.702 * x) * (1 + 1.702 * x * (1 - sigmoid(1.702 * x))),
    },
    gelu: {
      f: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)),
      df: (x) => (1 + erf(x / Math.SQRT2)) / 2 + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI),
    },
    gelu_tanh: {
      f: (x) => (x / 2) * (1 + Math.tanh(tanhArgument(x))),
      df: (x) => {
        const t = Math.tanh(tanhArgument(x));
        const slope = Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
        return (1 + t) / 2 + ((x * (1 - t * t)) / 2) * slope;
      },
    },
    erf: { f: erf, df: (x) => (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) },
  };
