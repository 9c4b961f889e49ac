// Decodes a growing sequence of ids into text. Text once returned is final, and all deltas joined equal the text of all ids
// decoded at once. Byte-level tokens are joined as bytes; any other decoder is asked about a short window.

/** Turns ids into text as they arrive. */
export interface StreamDecoder {
  /** Text that became final with this id; '' while a character is incomplete or the id is skipped. */
  push(id: number): string;
  /** The rest: replacement characters for bytes that no longer can be completed. */
  end(): string;
}

/** GPT-2's printable stand-ins: the 256 bytes in the order of their code points. */
function byteAlphabet(): Map<string, number> {
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  const bytes = new Map<string, number>();
  let next = 256;
  for (let byte = 0; byte < 256; byte++)
    bytes.set(String.fromCodePoint(printable(byte) ? byte : next++), byte);
  return bytes;
}

const BYTE_OF_CHAR = byteAlphabet();
const ENCODER = new TextEncoder();

/** Bytes of a byte-level token; a token with other characters stands for its own UTF-8. */
export function tokenBytes(token: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(token.length);
  let count = 0;
  for (const char of token) {
    const byte = BYTE_OF_CHAR.get(char);
    if (byte === undefined) return ENCODER.encode(token);
    bytes[count++] = byte;
  }
  return bytes.slice(0, count);
}

/** Whether a decoder of tokenizer.json (possibly inside a Sequence) is ByteLevel. */
export function isByteLevel(decoder: unknown): boolean {
  if (typeof decoder !== 'object' || decoder === null) return false;
  const { type, decoders } = decoder as { type?: unknown; decoders?: unknown };
  return type === 'ByteLevel' || (Array.isArray(decoders) && decoders.some(isByteLevel));
}

/** UTF-8 arrives in pieces: the platform's streaming decoder knows which characters are complete. */
export class ByteStreamDecoder implements StreamDecoder {
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  private readonly bytes: (id: number) => Uint8Array<ArrayBuffer>;

  constructor(bytes: (id: number) => Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
  }

  push(id: number): string {
    return this.decoder.decode(this.bytes(id), { stream: true });
  }

  end(): string {
    return this.decoder.decode();
  }
}

/**
 * Any other decoder: decodes a short window twice, with and without the new ids, and gives the difference. The window
 * starts at the last id whose text is final, so that rules about a first token (no leading space) never fire.
 */
export class WindowStreamDecoder implements StreamDecoder {
  private context: number[] = [];
  private held: number[] = [];
  private readonly decode: (ids: readonly number[]) => string;
  private readonly skip: ReadonlySet<number>;

  constructor(decode: (ids: readonly number[]) => string, skip: ReadonlySet<number>) {
    this.decode = decode;
    this.skip = skip;
  }

  push(id: number): string {
    if (this.skip.has(id)) return '';
    this.held.push(id);
    const text = this.difference();
    // Byte-fallback tokens decode to replacement characters until their character is complete.
    return text.endsWith('\ufffd') && this.held.length < 4 ? '' : this.accept(text);
  }

  end(): string {
    return this.held.length === 0 ? '' : this.accept(this.difference());
  }

  private difference(): string {
    return this.decode([...this.context, ...this.held]).slice(this.decode(this.context).length);
  }

  private accept(text: string): string {
    this.context = this.held;
    this.held = [];
    return text;
  }
}
