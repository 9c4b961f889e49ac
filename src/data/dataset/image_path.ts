// Reads how a row names its picture's file: a relative path, an absolute one of Unix or Windows, or a `file:` URL.
// An absolute path says where a file lay on the author's machine; here only its end can tell which file is meant.

import { shorten } from './import_problems';

/** A path as a row gives it, normalised. */
export interface ImagePath {
  /** With `/` between segments; `..` only in front, and only of a relative one. */
  readonly path: string;
  readonly absolute: boolean;
}

/** Windows drives, network shares, Unix roots and home folders. */
const ROOT = /^(?:[a-z]:[\\/]|[\\/]|~[\\/])/i;
const SCHEME = /^([a-z][a-z0-9+.-]+):/i;

function decodeUrl(text: string): string {
  const path = text.replace(/^file:(?:\/\/[^/\\]*)?/i, '');
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Reads a row's path, or says why it cannot name a file. */
export function readImagePath(text: string): ImagePath | { readonly reason: string } {
  const given = text.trim();
  const scheme = SCHEME.exec(given)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'file') {
    return { reason: `image "${shorten(given)}" is on the network: put it beside the table` };
  }
  const path = scheme === 'file' ? decodeUrl(given) : given;
  if (path.includes('\0')) return { reason: 'image contains a NUL character' };
  const absolute = scheme === 'file' || ROOT.test(path);
  const segments: string[] = [];
  for (const segment of path.replace(/^[\\/]?[a-z]:(?=[\\/])/i, '').split(/[\\/]/)) {
    if (segment === '' || segment === '.' || (segment === '~' && segments.length === 0)) continue;
    if (segment !== '..') segments.push(segment);
    else if (segments.length > 0 && segments.at(-1) !== '..') segments.pop();
    else if (!absolute) segments.push(segment);
  }
  const last = segments.at(-1);
  if (last === undefined || last === '..' || /[\\/]$/.test(path)) {
    return { reason: `image "${shorten(given)}" is a folder` };
  }
  return { path: segments.join('/'), absolute };
}
