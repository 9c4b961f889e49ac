// Says how an import is asked for and what it reports on the way.

import type { ImportColumns } from './dataset_columns';
import type { SourceFile } from './dataset_files';
import type { ImportLimits } from './import_limits';
import type { FindUnknownWords } from './unknown_rows';

/** A table that {@link ImportOptions} may choose. */
export interface TableChoice {
  readonly name: string;
  /** Rows of any kind; null where counting them would take long. */
  readonly rows: number | null;
}

/** How far an import is: bytes of the table, then pictures. */
export interface ImportProgress {
  readonly phase: 'table' | 'images';
  readonly done: number;
  readonly total: number;
}

/** How a data set is read. */
export interface ImportOptions {
  /** Null guesses the columns by their names. */
  readonly mapping: ImportColumns | null;
  /** Name of the table to read; null or nothing for the training split, or what comes first. */
  readonly table?: string | null | undefined;
  readonly limits?: Partial<ImportLimits>;
  /** Ends the import; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
  /** Finds the words that the model to be trained or asked does not know; without it, none are looked for. */
  readonly unknownWords?: FindUnknownWords | undefined;
  /** Finds a picture that was not handed over, by its path relative to the table: of a table that was named alone. */
  readonly beside?: ((path: string) => SourceFile | null) | undefined;
}
