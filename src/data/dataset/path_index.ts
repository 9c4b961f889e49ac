// Finds the file that a row means among those that were handed over, by its path.
// A guess (other case, another folder, the end of an absolute path) counts only where exactly one file can be meant, and
// two rows that guess one file from different paths are told so.

import type { ImagePath } from './image_path';
import { shorten } from './import_problems';

/** What {@link PathIndex.find} found: a file, or why there is none. */
export type Found<F> = { readonly file: F } | { readonly reason: string };

/** Deeper folders are not compared, so that the index stays linear in the files. */
const MAX_DEPTH = 16;

/** Same for names that differ only in case or in how accents are composed, as file systems see them. */
function foldName(path: string): string {
  return path.normalize('NFC').toLowerCase();
}

/** The folder of a path; empty at the root. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** Joins a relative path to a folder; null when it leads out of the root. */
export function resolvePath(folder: string, path: string): string | null {
  const segments = folder === '' ? [] : folder.split('/');
  for (const segment of path.split('/')) {
    if (segment !== '..') segments.push(segment);
    else if (segments.pop() === undefined) return null;
  }
  return segments.join('/');
}

/** A folder, those around it, and the root. */
function foldersAround(folder: string): string[] {
  const folders: string[] = [];
  for (let at = folder; at !== '' && folders.length < MAX_DEPTH; at = folderOf(at)) folders.push(at);
  return [...folders, ''];
}

/** The ends of a path, the longest first, whole segments each. */
function endsOf(path: string): string[] {
  const segments = path.split('/').slice(-MAX_DEPTH);
  return segments.map((_, from) => segments.slice(from).join('/'));
}

interface Meant<F> {
  readonly file: F;
  /** Another that may be meant as well. */
  readonly other: F | null;
}

/** Files by path. `aliases` are further paths of a file, as of a zip whose names are in an unknown encoding. */
export class PathIndex<F extends { readonly path: string; readonly aliases?: readonly string[] }> {
  private readonly files: readonly F[];
  private readonly exact = new Map<string, F>();
  /** By folded path. */
  private readonly folded = new Map<string, Meant<F>>();
  /** By the end of the folded path; made when first needed. */
  private ends: Map<string, Meant<F>> | null = null;
  private readonly flat: boolean;
  /** Which path a file was guessed from. */
  private readonly claimed = new Map<F, string>();

  constructor(files: readonly F[]) {
    this.files = files;
    for (const file of files) {
      this.exact.set(file.path, file);
      for (const path of pathsOf(file)) add(this.folded, path, file);
    }
    this.flat = files.every(({ path }) => !path.includes('/'));
  }

  /**
   * The file that a row of the table `table` means: relative to the table, to a folder around it, or to the root, in
   * other case; else by the end of its path, as far as that leaves no doubt.
   */
  find(table: string, { path, absolute }: ImagePath): Found<F> {
    const near = absolute ? null : this.findFrom(foldersAround(folderOf(table)), path);
    if (near !== null) return near;
    const guess = path.startsWith('../') && !this.flat ? null : this.guess(folderOf(table), path, absolute);
    return guess ?? { reason: `image "${shorten(path)}" is not among the files` };
  }

  private findFrom(folders: readonly string[], path: string): Found<F> | null {
    for (const folder of folders) {
      const full = resolvePath(folder, path);
      if (full === null) continue;
      const exact = this.exact.get(full);
      if (exact !== undefined) return { file: exact };
      const folded = this.folded.get(foldName(full));
      if (folded !== undefined) return one(folded, path);
    }
    return null;
  }

  /** By name where nothing but a name is known on one side; else by leaving out folders of the row's path. */
  private guess(folder: string, path: string, absolute: boolean): Found<F> | null {
    if (this.flat || absolute || !path.includes('/')) return this.findByEnd(path);
    for (const end of endsOf(path).slice(1)) {
      const found = this.findFrom([folder, ''], end);
      if (found !== null) return 'file' in found ? this.claim(found.file, path) : found;
    }
    return null;
  }

  private findByEnd(path: string): Found<F> | null {
    this.ends ??= this.indexEnds();
    for (const end of endsOf(foldName(path))) {
      const meant = this.ends.get(end);
      if (meant === undefined) continue;
      const found = one(meant, path);
      return 'file' in found ? this.claim(found.file, path) : found;
    }
    return null;
  }

  private indexEnds(): Map<string, Meant<F>> {
    const ends = new Map<string, Meant<F>>();
    for (const file of this.files) {
      for (const path of pathsOf(file)) for (const end of endsOf(path)) add(ends, end, file);
    }
    return ends;
  }

  /** That two paths lead to one file shows that they meant different ones. */
  private claim(file: F, path: string): Found<F> {
    const claim = this.claimed.get(file) ?? path;
    this.claimed.set(file, claim);
    if (foldName(claim) === foldName(path)) return { file };
    const both = `image "${shorten(path)}" and "${shorten(claim)}"`;
    return { reason: `${both} have one name: choose the folder that holds both, not single files` };
  }
}

function pathsOf(file: { readonly path: string; readonly aliases?: readonly string[] }): string[] {
  return [...new Set([file.path, ...(file.aliases ?? [])].map(foldName))];
}

function add<F>(map: Map<string, Meant<F>>, key: string, file: F): void {
  const meant = map.get(key);
  if (meant === undefined) map.set(key, { file, other: null });
  else if (meant.other === null && meant.file !== file) map.set(key, { file: meant.file, other: file });
}

function one<F extends { readonly path: string }>({ file, other }: Meant<F>, path: string): Found<F> {
  if (other === null) return { file };
  const both = `${shorten(file.path)} or ${shorten(other.path)}`;
  return { reason: `image "${shorten(path)}" may be one of several files: ${both}` };
}
