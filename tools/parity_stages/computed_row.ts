// Types of what every stage of parity yields and is asked for.

import type { Values } from './fixture_dir';

/** A computed value. Rows without `golden` belong to the manifest's tensor of that file and name. */
export interface ComputedRow {
  readonly stage: string;
  /** File of the folder that holds the golden. */
  readonly file: string;
  /** Name of the tensor; for JSON goldens the path inside the file. */
  readonly tensor: string;
  /** Shown instead of `tensor` where several rows compare with one golden. */
  readonly label?: string | undefined;
  readonly actual: Values | string;
  readonly shape: readonly number[];
  /** What it must equal exactly, for goldens that are JSON rather than tensors. */
  readonly golden?: Values | string;
}

/** Which rows to compute; others are skipped before any work is done. */
export type Wanted = (stage: string, tensor: string) => boolean;
