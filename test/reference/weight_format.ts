// Decodes quantised weights by the description of their layout, one value at a time, and makes random ones.

/** Value of element (row, column) of a matrix in groups of 32 with bf16 scales. */
export function decodeQuantised(
  format: 'int8' | 'int4',
  quants: Uint32Array,
  scales: Uint16Array,
  width: number,
  row: number,
  column: number,
): number {
  const groups = Math.ceil(width / 32);
  const group = row * groups + Math.floor(column / 32);
  const scale = new Float32Array(Uint32Array.of(scales[group]! << 16).buffer)[0]!;
  const bytes = new Uint8Array(quants.buffer, quants.byteOffset, quants.byteLength);
  const at = column % 32;
  if (format === 'int8') {
    const byte = bytes[group * 32 + at]!;
    return scale * (byte < 128 ? byte : byte - 256);
  }
  const byte = bytes[group * 16 + (at % 16)]!;
  return scale * ((at < 16 ? byte % 16 : Math.floor(byte / 16)) - 8);
}

/** Planes of a matrix of random quants and scales, padding zero, with the values that they stand for. */
export function randomQuantised(
  format: 'int8' | 'int4',
  rows: number,
  width: number,
  random: () => number,
): { planes: [Uint32Array, Uint32Array]; values: Float64Array } {
  const groups = Math.ceil(width / 32);
  const bytesPerGroup = format === 'int8' ? 32 : 16;
  const bytes = new Uint8Array(rows * groups * bytesPerGroup);
  const scales = new Uint16Array(Math.ceil((rows * groups) / 2) * 2);
  const part = (): number => (random() + 1) / 2;
  for (let group = 0; group < rows * groups; group++) {
    // Sizes from 2^-9 to 2^-5 with any fraction and sign.
    const exponent = 118 + Math.floor(part() * 4);
    scales[group] = (random() < 0 ? 0x8000 : 0) | (exponent << 7) | Math.floor(part() * 128);
    const first = (group % groups) * 32;
    for (let at = 0; at < 32; at++) {
      const inside = first + at < width;
      if (format === 'int8') bytes[group * 32 + at] = inside ? Math.floor(part() * 256) : 0;
      else {
        const nibble = inside ? Math.floor(part() * 16) : 8;
        const index = group * 16 + (at % 16);
        bytes[index] = bytes[index]! + (at < 16 ? nibble : 16 * nibble);
      }
    }
  }
  const quants = new Uint32Array(bytes.buffer);
  const values = Float64Array.from({ length: rows * width }, (_, i) =>
    decodeQuantised(format, quants, scales, width, Math.floor(i / width), i % width),
  );
  return { planes: [quants, new Uint32Array(scales.buffer)], values };
}
