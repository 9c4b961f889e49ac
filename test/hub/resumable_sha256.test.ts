// The hash equals Node's, also when it was put down and taken up again, and refuses states that are none.

import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ResumableSha256 } from '../../src/hub/resumable_sha256';

const nodeHex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('ResumableSha256', () => {
  it.each([0, 1, 63, 64, 65, 1000, 4096])('hashes %i bytes as Node does', (length) => {
    const bytes = randomBytes(length);
    const hash = new ResumableSha256();
    hash.update(bytes);
    expect(hash.hex()).toBe(nodeHex(bytes));
  });

  it('goes on from a saved state, any number of times', () => {
    const bytes = randomBytes(64 * 9 + 17);
    let state = new ResumableSha256().save();
    for (let at = 0; at + 192 <= bytes.length; at += 192) {
      const hash = ResumableSha256.restore(state);
      hash?.update(bytes.subarray(at, at + 192));
      state = hash?.save() ?? '';
    }
    const last = ResumableSha256.restore(state);
    last?.update(bytes.subarray(64 * 9));
    expect(last?.hex()).toBe(nodeHex(bytes));
  });

  it('refuses what is no state', () => {
    const words = '0'.repeat(64);
    for (const text of [
      '',
      words,
      `${words}:1`,
      `${words}:-64`,
      `${words.slice(1)}:64`,
      `${words}:1e3`,
      'x',
    ]) {
      expect(ResumableSha256.restore(text), text).toBeNull();
    }
  });

  it('saves only between blocks', () => {
    const hash = new ResumableSha256();
    hash.update(new Uint8Array(10));
    expect(() => hash.save()).toThrow('64 bytes');
  });
});
