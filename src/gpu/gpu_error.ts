// Errors of the GPU layer. Codes are stable: the page maps them to words and to an action.

import { LookBackError } from '../lib/errors';

/** Stable codes of this layer. */
export type GpuErrorCode =
  | 'gpu/unavailable'
  | 'gpu/no-adapter'
  | 'gpu/limit'
  | 'gpu/out-of-memory'
  | 'gpu/device-lost'
  | 'gpu/validation'
  | 'gpu/shader'
  | 'gpu/params';

/** A failure of the device, of a limit, or of a shader; `code` says which, the message what to do. */
export class GpuError extends LookBackError {
  constructor(code: GpuErrorCode, message: string, data?: Record<string, unknown>) {
    super(code, message, data);
    this.name = 'GpuError';
  }
}
