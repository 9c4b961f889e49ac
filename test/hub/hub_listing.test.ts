// Listings of the hub: what is read, and what is refused with the key that is wrong.

import { describe, expect, it } from 'vitest';
import { checkHubName, parseHubListing } from '../../src/hub/hub_listing';

const SHA = 'a'.repeat(64);
const OID = 'b'.repeat(40);
const ANSWER = {
  sha: 'c'.repeat(40),
  siblings: [
    { rfilename: 'config.json', size: 12, blobId: OID },
    {
      rfilename: 'sub dir/model.safetensors',
      size: 2 ** 33,
      blobId: OID,
      lfs: { sha256: SHA, size: 2 ** 33 },
    },
  ],
};

describe('parseHubListing', () => {
  it('reads commit, sizes and hashes', () => {
    expect(parseHubListing('a/b', ANSWER)).toEqual({
      id: 'a/b',
      commit: 'c'.repeat(40),
      files: [
        { name: 'config.json', bytes: 12, sha256: null, gitOid: OID },
        { name: 'sub dir/model.safetensors', bytes: 2 ** 33, sha256: SHA, gitOid: null },
      ],
    });
  });

  it.each([
    ['no object', [], 'must be a JSON object'],
    ['no commit', { ...ANSWER, sha: 'main' }, 'sha'],
    ['no files', { sha: ANSWER.sha }, 'siblings'],
    [
      'a path upwards',
      { ...ANSWER, siblings: [{ rfilename: '../x', size: 1, blobId: OID }] },
      'siblings[0].rfilename',
    ],
    ['a hidden step', { ...ANSWER, siblings: [{ rfilename: 'a/../x', size: 1, blobId: OID }] }, 'rfilename'],
    ['an absolute path', { ...ANSWER, siblings: [{ rfilename: '/x', size: 1, blobId: OID }] }, 'rfilename'],
    [
      'a negative size',
      { ...ANSWER, siblings: [{ rfilename: 'x', size: -1, blobId: OID }] },
      'siblings[0].size',
    ],
    ['no hash', { ...ANSWER, siblings: [{ rfilename: 'x', size: 1 }] }, 'siblings[0].blobId'],
    [
      'a bad hash',
      { ...ANSWER, siblings: [{ rfilename: 'x', size: 1, lfs: { sha256: 'q' } }] },
      'lfs.sha256',
    ],
    ['a file twice', { ...ANSWER, siblings: [ANSWER.siblings[0], ANSWER.siblings[0]] }, 'names a file twice'],
  ])('refuses an answer with %s', (_, answer, part) => {
    expect(() => parseHubListing('a/b', answer)).toThrow(part);
  });
});

describe('checkHubName', () => {
  it.each([
    ['Qwen/Qwen2.5-VL-3B-Instruct', 'main'],
    ['a/b_c', 'refs/pr/1'],
  ])('accepts %s at %s', (id, revision) => {
    expect(() => checkHubName(id, revision)).not.toThrow();
  });

  it.each([
    ['pocket', 'main'],
    ['a/b/c', 'main'],
    ['../b', 'main'],
    ['a/..', 'main'],
    ['a/b?x', 'main'],
    ['https://h/a', 'main'],
    ['a/b', ''],
    ['a/b', '../x'],
    ['a/b', '/x'],
  ])('refuses %s at "%s"', (id, revision) => {
    expect(() => checkHubName(id, revision)).toThrow('model');
  });
});
