// Downloads the files of a model into a store, piece by piece, and verifies each against the hub's own hash. A download
// that is cut off anywhere goes on from the last piece that the store has kept; a file whose bytes do not have the listed
// hash is thrown away and fetched once more, and is never handed on.

import { bytesToHex } from '@noble/hashes/utils.js';
import { ModelError } from '../lib/errors';
import type { StoredFileWriter, StoredModelWriter, StoredPart } from '../storage/model_store_folder';
import { filePieces, PIECE_BYTES } from './file_pieces';
import type { HubClient } from './hub_client';
import type { HubFile, HubListing } from './hub_listing';
import { ResumableSha256 } from './resumable_sha256';

/** A store of one model at one commit, which keeps what was written whatever happens next. */
export type DownloadTarget = Pick<StoredModelWriter, 'file' | 'isFinished'>;

/** How far a download is. Bytes count what is kept, over all files. */
export interface DownloadStep {
  readonly file: string;
  readonly loaded: number;
  readonly total: number;
}

/** Options of {@link downloadFiles}. */
export interface DownloadOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (step: DownloadStep) => void;
  /** Tests use small pieces; a multiple of 64. */
  readonly pieceBytes?: number;
}

const TRIES_PER_FILE = 2;
/** Files that Git itself holds are small; they are hashed whole. */
const MAX_GIT_BYTES = 64 << 20;

/**
 * Brings the named files of a listing into the store; the caller commits the model when this resolves.
 *
 * @throws ModelError of the client, or `model/integrity` naming a file whose bytes are not the listed ones; the signal's
 * reason when aborted
 */
export async function downloadFiles(
  client: HubClient,
  listing: HubListing,
  names: readonly string[],
  target: DownloadTarget,
  options: DownloadOptions,
): Promise<void> {
  const files = names.map((name) => listedFile(listing, name));
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  let before = 0;
  for (const file of files) {
    const report = (kept: number): void =>
      options.onProgress?.({ file: file.name, loaded: before + kept, total });
    if (!target.isFinished(file.name)) await downloadFile(client, listing, file, target, report, options);
    before += file.bytes;
    report(0);
  }
}

function listedFile(listing: HubListing, name: string): HubFile {
  const file = listing.files.find((candidate) => candidate.name === name);
  if (file !== undefined) return file;
  throw new ModelError('model/hub-missing', `${listing.id} has no file ${name}.`, {
    id: listing.id,
    file: name,
  });
}

async function downloadFile(
  client: HubClient,
  listing: HubListing,
  file: HubFile,
  target: DownloadTarget,
  report: (kept: number) => void,
  options: DownloadOptions,
): Promise<void> {
  if (file.sha256 === null && file.bytes > MAX_GIT_BYTES) {
    const message = `The hub names no SHA-256 of ${file.name}, so that its ${file.bytes} bytes cannot be verified.`;
    throw new ModelError('model/hub-answer', message, { file: file.name });
  }
  const writer = await target.file(file.name, file.bytes);
  try {
    for (let tries = 1; ; tries++) {
      const right = await transfer(client, listing, file, writer, tries === 1, report, options);
      if (right) return await writer.finish();
      await writer.discard();
      report(0);
      if (tries === TRIES_PER_FILE) throw wrongContent(file);
    }
  } finally {
    await writer.close();
  }
}

/** Fetches what is missing of a file; resolves to whether all its bytes are the listed ones. */
async function transfer(
  client: HubClient,
  listing: HubListing,
  file: HubFile,
  writer: StoredFileWriter,
  resume: boolean,
  report: (kept: number) => void,
  options: DownloadOptions,
): Promise<boolean> {
  const pieceBytes = options.pieceBytes ?? PIECE_BYTES;
  const kept = resume && file.sha256 !== null ? usable(writer.kept, file, pieceBytes) : null;
  const hash = kept?.hash ?? new ResumableSha256();
  let at = kept?.bytes ?? 0;
  let whole = new Uint8Array(0);
  report(at);
  for await (const piece of filePieces(client, listing, file, at, { signal: options.signal, pieceBytes })) {
    hash.update(piece);
    const end = at + piece.length;
    if (file.sha256 === null) whole = joined(whole, piece);
    // The last piece ends anywhere; its state is never gone on from.
    const state = end % pieceBytes === 0 ? hash.save() : '';
    await writer.write(at, piece, { bytes: end, hash: state });
    at = end;
    report(at);
  }
  if (at !== file.bytes) return false;
  return file.sha256 === null ? (await gitOid(whole)) === file.gitOid : hash.hex() === file.sha256;
}

/** Where to go on, if what was kept is whole pieces of this file with a readable state. */
function usable(
  kept: StoredPart | null,
  file: HubFile,
  pieceBytes: number,
): { bytes: number; hash: ResumableSha256 } | null {
  if (kept === null || kept.bytes > file.bytes || kept.bytes % pieceBytes !== 0) return null;
  const hash = ResumableSha256.restore(kept.hash);
  return hash === null ? null : { bytes: kept.bytes, hash };
}

function joined(a: Uint8Array<ArrayBuffer>, b: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** Git's object id of a blob: SHA-1 over a header with the size, and the content. */
async function gitOid(content: Uint8Array<ArrayBuffer>): Promise<string> {
  const header = new TextEncoder().encode(`blob ${content.length}\0`);
  return bytesToHex(new Uint8Array(await crypto.subtle.digest('SHA-1', joined(header, content))));
}

function wrongContent(file: HubFile): ModelError {
  const message = `${file.name} arrived twice with other bytes than the hub lists; nothing of it was kept. Try again later, or from another network.`;
  return new ModelError('model/integrity', message, { file: file.name });
}
