// Limits how much an import may hold before it is refused: files, bytes, rows. Each limit is checked against what was
// really read, never only against what a file says about itself.

import { MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS } from '../image/picture_check';

/** Bounds of one import; sizes in bytes. */
export interface ImportLimits {
  /** Files of a folder, or entries of a zip. */
  readonly maxFiles: number;
  /** The table, uncompressed. */
  readonly maxTableBytes: number;
  /** One line, one quoted CSV record or one item of a JSON list. Inline pictures count. */
  readonly maxRowBytes: number;
  readonly maxRows: number;
  /** UTF-16 units of one question, answer or response. */
  readonly maxTextLength: number;
  /** The columns of one row that are kept beside picture and texts, as JSON with their names. */
  readonly maxColumnBytes: number;
  readonly maxImageBytes: number;
  readonly maxImagePixels: number;
  /** All pictures that rows name, together. */
  readonly maxTotalBytes: number;
  /** Uncompressed over compressed bytes of a zip's entry above a megabyte. */
  readonly maxRatio: number;
  /** Problems that are listed; further ones are counted. */
  readonly maxProblems: number;
}

const MIB = 2 ** 20;

/** What the page uses. Pictures as large as the engine decodes; a text of 50 000 characters is beyond any context. */
export const IMPORT_LIMITS: ImportLimits = {
  maxFiles: 500_000,
  maxTableBytes: 1024 * MIB,
  maxRowBytes: 72 * MIB,
  maxRows: 500_000,
  maxTextLength: 50_000,
  maxColumnBytes: 2 ** 14,
  maxImageBytes: MAX_IMAGE_BYTES,
  maxImagePixels: MAX_IMAGE_PIXELS,
  maxTotalBytes: 4096 * MIB,
  maxRatio: 300,
  maxProblems: 1000,
};
