// Reads the names of a zip's entries, which may be in any encoding: a flag or an extra field says UTF-8; without either
// they are UTF-8, the code page 437 of the format, or what the author's Windows used (Chinese, Japanese, Korean, Western).
// One encoding is chosen for all names of a zip, by how many of their bytes it explains as usual characters; the other
// readings are kept, so that a row of a table still finds the file it names. Format: APPNOTE.TXT 6.3.10, 4.4.4, 4.6.9.

/** A name as its bytes, with what the entry says about them. */
export interface RawName {
  readonly bytes: Uint8Array;
  /** Bit 11 of the entry's flags. */
  readonly isUtf8: boolean;
  /** The name in the extra field 0x7075, where it belongs to these bytes. */
  readonly unicode: string | null;
}

/** A name as text, and how else its bytes may be read. */
export interface ReadName {
  readonly name: string;
  readonly aliases: readonly string[];
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });
const CP437 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';
const LABELS = ['gb18030', 'shift_jis', 'big5', 'euc-kr', 'windows-1252'] as const;
type Encoding = (typeof LABELS)[number] | 'cp437';
const ENCODINGS: readonly Encoding[] = [...LABELS, 'cp437'];

function decode(encoding: Encoding, bytes: Uint8Array): string | null {
  if (encoding === 'cp437') {
    return Array.from(bytes, (byte) => (byte < 128 ? String.fromCharCode(byte) : CP437[byte - 128]!)).join(
      '',
    );
  }
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

function strictUtf8(bytes: Uint8Array): string | null {
  try {
    return UTF8.decode(bytes);
  } catch {
    return null;
  }
}

const within = (value: number, low: number, high: number): boolean => value >= low && value <= high;

function isAsciiLetter(byte: number | undefined): boolean {
  return byte !== undefined && within(byte | 0x20, 0x61, 0x7a);
}

/** Whether a pair of bytes is a usual character of a double-byte encoding, rather than only a possible one. */
const USUAL_PAIR: Readonly<
  Record<'gb18030' | 'shift_jis' | 'big5' | 'euc-kr', (a: number, b: number) => boolean>
> = {
  // GB 2312: punctuation and the characters of level 1 and 2.
  gb18030: (a, b) => (within(a, 0xb0, 0xf7) || within(a, 0xa1, 0xa3)) && b >= 0xa1,
  // Kana, punctuation and JIS level 1.
  shift_jis: (a, b) => within(a, 0x81, 0x98) && within(b, 0x40, 0xfc) && b !== 0x7f,
  // The frequently used characters.
  big5: (a, b) => within(a, 0xa1, 0xc6) && (within(b, 0x40, 0x7e) || b >= 0xa1),
  // Hangul.
  'euc-kr': (a, b) => within(a, 0xb0, 0xc8) && b >= 0xa1,
};

/** How much better an encoding explains bytes that several explain: names in Chinese are the most frequent. */
const PRIOR: Readonly<Record<Encoding, number>> = {
  gb18030: 0.04,
  shift_jis: 0.03,
  big5: 0.02,
  'euc-kr': 0.01,
  'windows-1252': 0,
  cp437: 0,
};

/** The share of a name's bytes above 127 that an encoding reads as usual characters; -1 where it cannot read it. */
function score(encoding: Encoding, bytes: Uint8Array): number {
  const text = decode(encoding, bytes);
  if (text === null) return -1;
  let [high, usual] = [0, 0];
  if (encoding === 'cp437' || encoding === 'windows-1252') {
    for (const byte of bytes) if (byte > 127) high += 1;
    for (const char of text) if (char > '\x7f' && /[\p{Letter}]/u.test(char)) usual += 1;
    // Western names have few such letters, one at a time.
    return high === 0 ? 0 : (usual / high) * (high * 2 > bytes.length ? 0.5 : 0.9);
  }
  let afterLetter = false;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i]! < 128) {
      afterLetter = isAsciiLetter(bytes[i]);
      continue;
    }
    // Half-width katakana are single bytes, and rare.
    if (encoding === 'shift_jis' && within(bytes[i]!, 0xa1, 0xdf)) {
      high += 1;
      usual += 0.3;
      continue;
    }
    high += 2;
    // A letter on both sides of a byte is how Western names look.
    const isWestern = afterLetter && isAsciiLetter(bytes[i + 1]);
    afterLetter = false;
    if (!isWestern && USUAL_PAIR[encoding](bytes[i]!, bytes[i + 1]!)) usual += 2;
    i += 1;
  }
  return high === 0 ? 0 : usual / high;
}

/** The encoding that explains all names best. */
function likeliest(names: readonly Uint8Array[]): Encoding {
  let [best, most] = ['cp437' as Encoding, -Infinity];
  // A few hundred names tell as much as all of them.
  const sample = names.slice(0, 400);
  for (const encoding of ENCODINGS) {
    const total = sample.reduce((sum, bytes) => sum + score(encoding, bytes), 0);
    const mean = total / Math.max(1, sample.length) + PRIOR[encoding];
    if (mean > most) [best, most] = [encoding, mean];
  }
  return best;
}

/** Letters that names hardly contain, and that Chinese names in GBK look like when they are read as UTF-8. */
const RARE_LETTERS = /[\u0180-\u019f\u01a2-\u01ae\u01b1-\u01cc\u0220-\u02c6\u0370-\u0383]/;

/** The name where the entry, or the bytes themselves, say that it is UTF-8. */
function knownName({ bytes, isUtf8, unicode }: RawName): string | null {
  const text = unicode ?? strictUtf8(bytes);
  return text !== null && !isUtf8 && unicode === null && RARE_LETTERS.test(text) ? null : text;
}

/** Reads the names of one zip. */
export function readZipNames(names: readonly RawName[]): readonly ReadName[] {
  const known = names.map(knownName);
  const first = likeliest(names.filter((_, index) => known[index] === null).map(({ bytes }) => bytes));
  return names.map(({ bytes }, index) => {
    const name = known[index] ?? null;
    if (name !== null) return { name, aliases: [] };
    const readings = [
      decode(first, bytes),
      strictUtf8(bytes),
      ...ENCODINGS.map((other) => decode(other, bytes)),
    ];
    const [chosen, ...others] = [...new Set(readings.filter((text) => text !== null))];
    return { name: chosen ?? '', aliases: others };
  });
}
