// Takes files from a drop, a paste or a picker as named blobs, folders walked: what the engine reads as a dataset or an adapter.
// What a drop holds is taken in the event itself, as browsers empty it afterwards; folders are read later.

import { DataError } from '../lib/errors';
import type { NamedFile } from '../worker/protocol/library';

/** Files above which a selection is refused, before their names alone fill the memory. */
export const MAX_FILES = 250_000;

function tooMany(): DataError {
  return new DataError(
    'data/files',
    `There are more than ${MAX_FILES.toLocaleString('en')} files in it: pack them as a zip, or import a part.`,
  );
}

/** Files of a picker; those of a folder keep their path within it. */
export function filesOfList(list: Iterable<File>): NamedFile[] {
  const files: NamedFile[] = [];
  for (const file of list) {
    files.push({ path: file.webkitRelativePath || file.name, blob: file });
    if (files.length > MAX_FILES) throw tooMany();
  }
  return files;
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

function childrenOf(entry: FileSystemDirectoryEntry): () => Promise<FileSystemEntry[]> {
  const reader = entry.createReader();
  return () => new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}

async function walk(entry: FileSystemEntry, files: NamedFile[]): Promise<void> {
  const path = entry.fullPath.replace(/^\/+/, '');
  try {
    if (entry.isFile) {
      files.push({ path, blob: await fileOf(entry as FileSystemFileEntry) });
      if (files.length > MAX_FILES) throw tooMany();
      return;
    }
    const next = childrenOf(entry as FileSystemDirectoryEntry);
    // A reader gives out a folder in parts (Chromium: a hundred entries each) and an empty part at its end.
    for (let part = await next(); part.length > 0; part = await next()) {
      for (const child of part) await walk(child, files);
    }
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(
      'data/files',
      `${path} could not be read: check that it still exists.`,
      { path },
      cause,
    );
  }
}

/** Names a pasted table by its form: JSON begins with a bracket, cells of a spreadsheet have tabs, the rest is CSV. */
export function pastedName(text: string): string {
  const start = text.trimStart();
  // An object over several lines is a document; one for each line is a table of lines.
  if (start.startsWith('[')) return 'pasted.json';
  if (start.startsWith('{')) return 'pasted.jsonl';
  return (start.split('\n', 1)[0] ?? '').includes('\t') ? 'pasted.tsv' : 'pasted.csv';
}

/**
 * Everything in a drop or a paste, folders walked in full. Null when there is neither a file nor a text.
 * A pasted text is a table in any form that a file may have. Rejects with DataError `data/files` naming what cannot be read.
 */
export function filesOfTransfer(data: DataTransfer | null): Promise<NamedFile[]> | null {
  if (data === null) return null;
  const loose: File[] = [];
  const entries: FileSystemEntry[] = [];
  for (const item of data.items) {
    if (item.kind !== 'file') continue;
    const entry = item.webkitGetAsEntry?.() ?? null;
    const file = entry === null ? item.getAsFile() : null;
    if (entry !== null) entries.push(entry);
    else if (file !== null) loose.push(file);
  }
  if (entries.length + loose.length === 0) {
    const text = data.getData('text/plain');
    if (text.trim() === '') return null;
    return Promise.resolve([{ path: pastedName(text), blob: new Blob([text]) }]);
  }
  return (async () => {
    const files = filesOfList(loose);
    for (const entry of entries) await walk(entry, files);
    return files;
  })();
}
