// Gathers the files of an import under one roof, whether picked one by one, as a folder or as one zip, and finds
// which file a row means. A path finds a file only among those that were handed over, and a guess (other case, other
// folder) only where exactly one file can be meant.

import { DataError } from '../../lib/errors';
import { formatBytes, formatList } from '../../lib/format';
import type { ImagePath } from './image_path';
import type { ImportLimits } from './import_limits';
import { type ProblemList, shorten } from './import_problems';
import { type Found, PathIndex, resolvePath } from './path_index';
import { looksLikeZip, openZip, type ZipEntry, type ZipReader } from './zip_reader';

/** A file as dropped, pasted or picked; `path` is relative to what was dropped. */
export interface ImportFile {
  readonly path: string;
  readonly blob: Blob;
}

/** A file of an import, wherever it lies. Reading throws DataError when it cannot be read or is damaged. */
export interface SourceFile {
  /** Relative to the root of the import. */
  readonly path: string;
  /** Further paths that may be meant by it, where its name is in an unknown encoding. */
  readonly aliases?: readonly string[];
  /** Bytes, uncompressed. */
  readonly size: number;
  /** Reading in this order is quickest. */
  readonly position: number;
  /** The first bytes. */
  head(length: number): Promise<Uint8Array>;
  /** The last bytes, where they are cheap to have; else null. */
  tail(length: number): Promise<Uint8Array | null>;
  /** All bytes in order; throws `data/dataset-size` at once when there are more than `maxBytes`. */
  chunks(maxBytes: number): AsyncGenerator<Uint8Array>;
  /** The whole file. */
  blob(type: string, maxBytes: number): Promise<Blob>;
}

const CHUNK_BYTES = 2 ** 20;
/** Lower-case extension with its dot; empty when there is none. */
export function extensionOf(path: string): string {
  return /\.[^./]*$/.exec(path)?.[0].toLowerCase() ?? '';
}

/** A file that was handed over by itself or in a folder. */
class LooseFile implements SourceFile {
  readonly path: string;
  readonly position: number;
  private readonly source: Blob;

  constructor(path: string, source: Blob, position: number) {
    [this.path, this.source, this.position] = [path, source, position];
  }

  get size(): number {
    return this.source.size;
  }

  private async read(from: number, to: number): Promise<Uint8Array> {
    try {
      return new Uint8Array(await this.source.slice(from, to).arrayBuffer());
    } catch (error) {
      const message = `${shorten(this.path)} cannot be read any more: it changed or was moved. Choose it again.`;
      throw new DataError('data/dataset-read', message, { file: shorten(this.path) }, error);
    }
  }

  head(length: number): Promise<Uint8Array> {
    return this.read(0, length);
  }

  tail(length: number): Promise<Uint8Array> {
    return this.read(Math.max(0, this.size - length), this.size);
  }

  async *chunks(maxBytes: number): AsyncGenerator<Uint8Array> {
    checkSize(this, maxBytes);
    for (let at = 0; at < this.size; at += CHUNK_BYTES) yield await this.read(at, at + CHUNK_BYTES);
  }

  async blob(type: string, maxBytes: number): Promise<Blob> {
    checkSize(this, maxBytes);
    return this.source.slice(0, this.size, type);
  }
}

/** A file inside a zip. */
class ZippedFile implements SourceFile {
  private readonly zip: ZipReader;
  private readonly entry: ZipEntry;

  constructor(zip: ZipReader, entry: ZipEntry) {
    [this.zip, this.entry] = [zip, entry];
  }

  get path(): string {
    return this.entry.path;
  }

  get aliases(): readonly string[] {
    return this.entry.aliases;
  }

  get size(): number {
    return this.entry.size;
  }

  get position(): number {
    return this.entry.offset;
  }

  head(length: number): Promise<Uint8Array> {
    return this.zip.head(this.entry, length);
  }

  async tail(): Promise<null> {
    return null;
  }

  chunks(maxBytes: number): AsyncGenerator<Uint8Array> {
    return this.zip.chunks(this.entry, maxBytes);
  }

  async blob(type: string, maxBytes: number): Promise<Blob> {
    const parts: BlobPart[] = [];
    for await (const chunk of this.chunks(maxBytes)) parts.push(chunk as Uint8Array<ArrayBuffer>);
    return new Blob(parts, { type });
  }
}

function checkSize({ path, size }: SourceFile, maxBytes: number): void {
  if (size <= maxBytes) return;
  const message = `${shorten(path)} has ${formatBytes(size)}; up to ${formatBytes(maxBytes)} are read: make it smaller.`;
  throw new DataError('data/dataset-size', message, { file: shorten(path), bytes: size });
}

/** What a system keeps beside files for itself: neither tables nor pictures. */
export function isSystemFile(path: string): boolean {
  return path.split('/').some((segment) => segment === '__MACOSX' || /^\.[^.]/.test(segment));
}

/** The files of one import. */
export class FileSet {
  readonly files: readonly SourceFile[];
  /** Files that may be read at once without losing speed. */
  readonly concurrency: number;
  private readonly index: PathIndex<SourceFile>;

  /** For {@link openFiles}. */
  constructor(files: readonly SourceFile[], concurrency: number) {
    [this.files, this.concurrency] = [files, concurrency];
    this.index = new PathIndex(files);
  }

  /** The file that a row of the table `table` means by a path. */
  find(table: string, path: ImagePath): Found<SourceFile> {
    return this.index.find(table, path);
  }
}

async function openOneZip(zip: ImportFile, limits: ImportLimits, problems: ProblemList): Promise<FileSet> {
  const reader = await openZip(zip.blob, zip.path, limits);
  for (const { path, reason } of reader.refused) if (!isSystemFile(path)) problems.add(path, null, reason);
  const files = reader.entries.map((entry) => new ZippedFile(reader, entry));
  for (const { path } of files) {
    if (extensionOf(path) === '.zip') problems.add(path, null, 'is a zip inside a zip, which is not opened');
  }
  if (files.length === 0 && reader.refused.length > 0) {
    const list = formatList(
      reader.refused.map(({ path, reason }) => `${shorten(path)} ${reason}`),
      3,
    );
    const message = `${shorten(zip.path)}: nothing in this zip can be read: ${list}.`;
    throw new DataError('data/zip', message, { file: shorten(zip.path) });
  }
  return new FileSet(files, 1);
}

/**
 * Opens what was handed over; a single zip is looked into. Files that cannot be used at all are listed in `problems`.
 * @throws DataError `data/dataset-empty` for no files, `data/dataset-size` for too many, `data/zip` for an unusable zip
 */
export async function openFiles(
  files: readonly ImportFile[],
  limits: ImportLimits,
  problems: ProblemList,
): Promise<FileSet> {
  if (files.length === 0) throw new DataError('data/dataset-empty', 'There are no files: choose some.');
  if (files.length > limits.maxFiles) {
    const message = `There are ${files.length} files; up to ${limits.maxFiles} are read: choose fewer.`;
    throw new DataError('data/dataset-size', message, { files: files.length });
  }
  const [only] = files;
  if (files.length === 1 && only !== undefined) {
    const first = await new LooseFile(only.path, only.blob, 0).head(4);
    if (looksLikeZip(first) || extensionOf(only.path) === '.zip') return openOneZip(only, limits, problems);
  }
  const taken = new Set<string>();
  const loose: LooseFile[] = [];
  for (const [index, { path, blob }] of files.entries()) {
    const segments = path.replaceAll('\\', '/').split('/');
    const name = resolvePath('', segments.filter((segment) => segment !== '' && segment !== '.').join('/'));
    if (name === null || name === '') problems.add(path, null, 'has no usable name');
    else if (taken.has(name)) problems.add(name, null, 'appears twice');
    else {
      taken.add(name);
      if (extensionOf(name) === '.zip')
        problems.add(name, null, 'is a zip among other files: choose it alone');
      loose.push(new LooseFile(name, blob, index));
    }
  }
  return new FileSet(loose, 16);
}
