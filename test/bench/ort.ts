// Describes what benches use of onnxruntime-web, which is handed in by whoever serves the page.

/** A tensor on the host or on the device. */
export interface OrtTensor {
  getData(): Promise<Float32Array>;
}

/** A loaded model. */
export interface OrtSession {
  /** @param fetches tensors to write by name; null for one that comes back on the host */
  run(
    feeds: Readonly<Record<string, OrtTensor>>,
    fetches?: Readonly<Record<string, OrtTensor | null>>,
  ): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}

/** The library's module. */
export interface Ort {
  readonly env: {
    readonly wasm: { wasmPaths: string; numThreads: number };
    /** There once a session was made. */
    readonly webgpu: { readonly device: Promise<GPUDevice> };
    logLevel: string;
  };
  readonly InferenceSession: {
    create(model: Uint8Array, options: object): Promise<OrtSession>;
  };
  readonly Tensor: {
    new (type: 'float32' | 'int32', data: Float32Array | Int32Array, dims: readonly number[]): OrtTensor;
    fromGpuBuffer(
      buffer: GPUBuffer,
      options: { readonly dataType: 'float32'; readonly dims: readonly number[] },
    ): OrtTensor;
  };
}

/** Loads it from where the driver outside serves it. */
export async function loadOrt(): Promise<Ort> {
  // A name that the bundler does not follow.
  const path = '/ort/ort.webgpu.bundle.min.mjs';
  const ort = (await import(/* @vite-ignore */ path)) as Ort;
  ort.env.wasm.wasmPaths = '/ort/';
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  return ort;
}
