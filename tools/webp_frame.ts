// Takes the first frame of an animated WebP out as a WebP of its own, which decoders of stills can read.
// Format: WebP container specification, chunks VP8X, ANMF and ALPH.

/** A still, and where it lies on the animation's canvas. */
export interface WebpFrame {
  readonly still: Uint8Array<ArrayBuffer>;
  readonly left: number;
  readonly top: number;
}

const HEADER_BYTES = 12;
const FRAME_BYTES = 16;
const ALPHA_FLAG = 0x10;

interface Chunk {
  readonly name: string;
  /** With its name and length. */
  readonly whole: Uint8Array;
  readonly body: Uint8Array;
}

function* chunks(bytes: Uint8Array): Generator<Chunk> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    const end = at + 8 + length;
    if (end > bytes.length) throw new Error('the file is cut off');
    const name = String.fromCharCode(...bytes.subarray(at, at + 4));
    yield { name, whole: bytes.subarray(at, end), body: bytes.subarray(at + 8, end) };
    // Chunks are filled up to an even length.
    at = end + (length & 1);
  }
}

function uint24(bytes: Uint8Array, at: number): number {
  return bytes[at]! + 256 * bytes[at + 1]! + 65536 * bytes[at + 2]!;
}

/** A chunk's bytes, filled up to an even length. */
function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(bytes.length + (bytes.length & 1));
  whole.set(bytes);
  return whole;
}

/** The chunk that says that a still of this size has a plane of alpha. */
function alphaHeader(width: number, height: number): number[] {
  const size = [width - 1, height - 1].flatMap((edge) => [edge & 255, (edge >> 8) & 255, edge >> 16]);
  return [...Buffer.from('VP8X'), 10, 0, 0, 0, ALPHA_FLAG, 0, 0, 0, ...size];
}

/**
 * The first frame. Linear in its bytes.
 * @throws Error for a file that is cut off or has no frame
 */
export function firstFrame(bytes: Uint8Array): WebpFrame {
  for (const { name, body } of chunks(bytes.subarray(HEADER_BYTES))) {
    if (name !== 'ANMF') continue;
    if (body.length < FRAME_BYTES) throw new Error('its first frame is damaged');
    const [left, top] = [2 * uint24(body, 0), 2 * uint24(body, 3)];
    const parts = [...chunks(body.subarray(FRAME_BYTES))].filter((part) =>
      /^(?:ALPH|VP8 |VP8L)$/.test(part.name),
    );
    const header = parts.some((part) => part.name === 'ALPH')
      ? alphaHeader(uint24(body, 6) + 1, uint24(body, 9) + 1)
      : [];
    const content = Buffer.concat([Buffer.from(header), ...parts.map(({ whole }) => padded(whole))]);
    const still = new Uint8Array(HEADER_BYTES + content.length);
    still.set(Buffer.from('RIFF\0\0\0\0WEBP', 'latin1'));
    new DataView(still.buffer).setUint32(4, 4 + content.length, true);
    still.set(content, HEADER_BYTES);
    return { still, left, top };
  }
  throw new Error('it has no frame');
}
