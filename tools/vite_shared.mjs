// Holds what every build of this project shares: the page's, the tests' and the command lines'.
import { fileURLToPath } from 'node:url';

/** Every ONNX Runtime import becomes an empty stand-in: 27 MB of wasm that tokenizing never touches. */
export const ONNX_STUBS = [
  {
    find: /^onnxruntime-(web|node|common)(\/.*)?$/,
    replacement: fileURLToPath(new URL('./stubs/onnxruntime.mjs', import.meta.url)),
  },
];
