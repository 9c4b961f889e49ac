// SHA-256 of a long file that can be put down between two blocks and taken up again, also in another process: a download
// that was cut off goes on without reading what it has already kept.

import { _SHA256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { invariant } from '../lib/invariant';

const BLOCK_BYTES = 64;
const STATE = /^([0-9a-f]{64}):(\d{1,16})$/;

/** An incremental SHA-256 (FIPS 180-4) whose state is a short string. */
export class ResumableSha256 extends _SHA256 {
  /**
   * The state after what was hashed so far: eight words in hexadecimal, a colon, the number of bytes. Only between
   * blocks: the bytes so far must be a multiple of 64.
   */
  save(): string {
    invariant(this.pos === 0, 'the state of a hash is saved between blocks of 64 bytes');
    const words = this.get().map((word) => (word >>> 0).toString(16).padStart(8, '0'));
    return `${words.join('')}:${this.length}`;
  }

  /** A hash that goes on from a saved state, or null when the text is none. */
  static restore(state: string): ResumableSha256 | null {
    const match = STATE.exec(state);
    const bytes = Number(match?.[2]);
    if (match?.[1] === undefined || !Number.isSafeInteger(bytes) || bytes % BLOCK_BYTES !== 0) return null;
    const hash = new ResumableSha256();
    const word = (i: number): number => Number.parseInt(match[1]?.slice(8 * i, 8 * i + 8) ?? '', 16);
    hash.set(word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7));
    hash.length = bytes;
    return hash;
  }

  /** The digest in hexadecimal; the hash cannot be used afterwards. */
  hex(): string {
    return bytesToHex(this.digest());
  }
}
