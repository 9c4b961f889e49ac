// What the hub says of a model repository before anything is downloaded: the commit behind a revision, and the name,
// size and hash of every file. Source: `GET /api/models/{id}/revision/{revision}?blobs=true` of the Hugging Face hub.

import { ModelError } from '../lib/errors';
import { JsonReader } from '../lib/json_reader';

/** A file of a repository at one commit. */
export interface HubFile {
  /** Path in the repository. */
  readonly name: string;
  readonly bytes: number;
  /** SHA-256 of the content in hexadecimal, which the hub knows of large files; else null. */
  readonly sha256: string | null;
  /** Git's object id of the content in hexadecimal (SHA-1 over `blob <size>\0` and the content); null for large files. */
  readonly gitOid: string | null;
}

/** A repository at one commit. */
export interface HubListing {
  /** `organisation/name`. */
  readonly id: string;
  /** The commit's hash: what was asked for by a branch or a tag is pinned to it. */
  readonly commit: string;
  readonly files: readonly HubFile[];
}

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,95}\/[A-Za-z0-9_][A-Za-z0-9._-]{0,95}$/;
const REVISION = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$/;
const PATH = /^(?:[A-Za-z0-9_.+ -]{1,200}\/)*[A-Za-z0-9_.+ -]{1,200}$/;
const HEX_40 = /^[0-9a-f]{40}$/;
const HEX_64 = /^[0-9a-f]{64}$/;
const MAX_FILES = 10_000;
const MAX_FILE_BYTES = 2 ** 40;

const isDots = (part: string): boolean => part === '.' || part === '..';

/** Throws ModelError `model/hub-name` for what is not `organisation/name` and a branch, tag or commit. */
export function checkHubName(id: string, revision: string): void {
  const say = (what: string): never => {
    throw new ModelError('model/hub-name', what, { id: id.slice(0, 200), revision: revision.slice(0, 200) });
  };
  if (!ID.test(id) || id.includes('..')) {
    say(`"${id.slice(0, 200)}" is not the name of a model on the hub: write organisation/name.`);
  }
  if (!REVISION.test(revision) || revision.includes('..') || revision.includes('//')) {
    say(`"${revision.slice(0, 200)}" is not a branch, tag or commit of a model.`);
  }
}

function readFile(
  item: unknown,
  where: string,
  path: string,
  fail: (m: string, k: string) => Error,
): HubFile {
  const file = new JsonReader(item, where, fail, path);
  const name = file.string('rfilename');
  if (!PATH.test(name) || name.split('/').some(isDots)) file.fail('rfilename', 'is not a plain path');
  const bytes = file.integer('size', { max: MAX_FILE_BYTES });
  if (file.has('lfs')) {
    const sha256 = file.object('lfs').string('sha256');
    if (!HEX_64.test(sha256)) file.fail('lfs.sha256', 'is not a SHA-256 in hexadecimal');
    return { name, bytes, sha256, gitOid: null };
  }
  const gitOid = file.string('blobId');
  if (!HEX_40.test(gitOid)) file.fail('blobId', 'is not an object id in hexadecimal');
  return { name, bytes, sha256: null, gitOid };
}

/**
 * Reads the hub's answer about a repository.
 *
 * @throws ModelError `model/hub-answer` naming the key that is wrong
 */
export function parseHubListing(id: string, answer: unknown): HubListing {
  const where = `the hub's answer about ${id}`;
  const fail = (message: string, key: string): ModelError =>
    new ModelError('model/hub-answer', message, { id, key });
  const root = new JsonReader(answer, where, fail);
  const commit = root.string('sha');
  if (!HEX_40.test(commit)) root.fail('sha', 'is not a commit');
  const siblings = root.raw('siblings');
  if (!Array.isArray(siblings) || siblings.length > MAX_FILES)
    return root.fail('siblings', 'must be a list of files');
  const files = siblings.map((item: unknown, i) => readFile(item, where, `siblings[${i}]`, fail));
  const names = new Set(files.map((file) => file.name));
  if (names.size !== files.length) root.fail('siblings', 'names a file twice');
  return { id, commit, files };
}
