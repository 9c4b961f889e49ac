// Reads a table of any form from its first byte to its last into rows of named values.
// Every row comes out once, as values or as a reason, under the line (of a list: the item) it has in the file, counted
// from 1. Time is linear, and memory holds no more than the largest row, or of columnar files the largest row group.

import { extensionOf, type SourceFile } from './dataset_files';
import type { ImportLimits } from './import_limits';
import type { DocumentSplit } from './json_document';
import { jsonScanner } from './json_rows';
import type { EmitRow, RowScanner } from './row_scanner';
import { separatedScanner } from './separated_rows';
import { utf8Chunks } from './text_encoding';

/** Options of {@link readTable}. */
export interface TableReading {
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: (done: number) => void;
  /** Of a JSON file with several splits; null for the training one. */
  readonly split?: string | null;
  /** Hears of the splits of a JSON file that has several. */
  readonly onSplits?: (splits: readonly DocumentSplit[]) => void;
}

/**
 * Reads a table. `onRow` may throw to end it; so does the signal, with its reason.
 * @throws DataError `data/dataset-table` for a header or an encoding that cannot be read, `data/dataset-size` when the
 * table is too large, and what {@link SourceFile.chunks} throws
 */
export async function readTable(
  file: SourceFile,
  limits: ImportLimits,
  onRow: EmitRow,
  reading: TableReading = {},
): Promise<void> {
  const { signal, onBytes, onSplits, split = null } = reading;
  const isSeparated = ['.csv', '.tsv'].includes(extensionOf(file.path));
  let scanner: RowScanner | null = null;
  let done = 0;
  for await (const { text, bytes } of utf8Chunks(file.path, file.chunks(limits.maxTableBytes), isSeparated)) {
    signal?.throwIfAborted();
    scanner ??= isSeparated
      ? separatedScanner(file.path, limits, onRow)
      : jsonScanner(text, { limits, emit: onRow, split, onSplits });
    scanner.push(text);
    done += bytes;
    onBytes?.(done);
  }
  scanner?.end();
}
