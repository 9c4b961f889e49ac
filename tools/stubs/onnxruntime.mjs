// Stands in for the ONNX Runtime packages that transformers.js imports but that tokenizing never calls; reaching for
// a session is an error. It exports every name that transformers.js imports, so that bundlers and Node can link it.

/** Only its identity is asked for (`x instanceof Tensor`). */
export class Tensor {}

/** Refuses: models run on this project's own kernels. */
export const InferenceSession = {
  create() {
    throw new Error('ONNX Runtime is not part of this app; models run on its own WebGPU kernels.');
  },
};

/** No backends, no settings. */
export const env = {};

export default { Tensor, InferenceSession, env };
