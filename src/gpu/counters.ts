// Counts of GPU objects made and work submitted. Tests read them to prove that a replay creates nothing.

/** Objects created and work recorded since the context was made. Only ever grows. */
export interface GpuCounters {
  buffers: number;
  bindGroups: number;
  bindGroupLayouts: number;
  pipelineLayouts: number;
  pipelines: number;
  shaderModules: number;
  dispatches: number;
  submits: number;
  /** Bytes of all buffers alive. */
  bufferBytes: number;
}

/** Fresh counters, all zero. */
export function createCounters(): GpuCounters {
  return {
    buffers: 0,
    bindGroups: 0,
    bindGroupLayouts: 0,
    pipelineLayouts: 0,
    pipelines: 0,
    shaderModules: 0,
    dispatches: 0,
    submits: 0,
    bufferBytes: 0,
  };
}

/** Number of GPU objects (not dispatches or submits) made so far: zero growth is the steady-state contract. */
export function creations(counters: GpuCounters): number {
  return (
    counters.buffers +
    counters.bindGroups +
    counters.bindGroupLayouts +
    counters.pipelineLayouts +
    counters.pipelines +
    counters.shaderModules
  );
}
