// Decodes BMP files to RGB: palettes of 1, 4 and 8 bits, and 16, 24 and 32 bits per pixel with or without masks.
// Alpha is ignored. Run-length compressed files, which hardly anything writes, are refused.
// Format: Microsoft, "Bitmap Storage"; BITMAPCOREHEADER, BITMAPINFOHEADER and later.

import type { PixelArray } from './pillow_resize';

const RGB = 0;
const BITFIELDS = 3;
const ALPHABITFIELDS = 6;

interface Layout {
  readonly width: number;
  readonly height: number;
  readonly topDown: boolean;
  readonly bits: number;
  readonly compression: number;
  /** Where palette or masks begin. */
  readonly tableAt: number;
  /** Bytes of a colour in the palette. */
  readonly colourBytes: number;
  readonly colours: number;
  readonly dataAt: number;
}

function readLayout(bytes: Uint8Array, view: DataView): Layout {
  if (bytes.length < 26) throw new Error('the BMP is cut off');
  const headerBytes = view.getUint32(14, true);
  const dataAt = view.getUint32(10, true);
  if (headerBytes === 12) {
    const [width, height, bits] = [
      view.getUint16(18, true),
      view.getUint16(20, true),
      view.getUint16(24, true),
    ];
    const colours = bits <= 8 ? 2 ** bits : 0;
    return {
      width,
      height,
      topDown: false,
      bits,
      compression: RGB,
      tableAt: 26,
      colourBytes: 3,
      colours,
      dataAt,
    };
  }
  if (headerBytes < 40 || bytes.length < 14 + headerBytes) throw new Error('the BMP is of an unknown kind');
  const height = view.getInt32(22, true);
  const bits = view.getUint16(28, true);
  const colours = bits <= 8 ? view.getUint32(46, true) || 2 ** bits : 0;
  return {
    ...{ width: view.getInt32(18, true), height: Math.abs(height), topDown: height < 0, bits },
    ...{ compression: view.getUint32(30, true), colourBytes: 4, colours, dataAt },
    // Masks stand at the same place within the newer headers as behind the oldest.
    tableAt: bits <= 8 ? 14 + headerBytes : 54,
  };
}

/** A channel of a masked pixel as 0 to 255. */
function maskedChannel(mask: number): (pixel: number) => number {
  if (mask === 0) return () => 0;
  const shift = 31 - Math.clz32(mask & -mask);
  const peak = mask >>> shift;
  return (pixel) => Math.floor((((pixel & mask) >>> shift) * 255) / peak);
}

/** Masks of red, green and blue. */
function masksOf({ bits, compression, tableAt }: Layout, view: DataView): readonly number[] {
  if (compression === RGB) return bits === 16 ? [0x7c00, 0x3e0, 0x1f] : [0xff0000, 0xff00, 0xff];
  return [0, 4, 8].map((at) => view.getUint32(tableAt + at, true));
}

type RowWriter = (rowAt: number, to: number) => void;

function indexedRows(layout: Layout, bytes: Uint8Array, out: Uint8Array): RowWriter {
  const { width, bits, tableAt, colourBytes, colours } = layout;
  const mask = 2 ** bits - 1;
  return (rowAt, to) => {
    for (let x = 0; x < width; x++) {
      const bit = x * bits;
      const index = (bytes[rowAt + (bit >> 3)]! >> (8 - bits - (bit & 7))) & mask;
      const from = tableAt + index * colourBytes;
      for (let c = 0; c < 3; c++) out[to + 3 * x + c] = index < colours ? (bytes[from + 2 - c] ?? 0) : 0;
    }
  };
}

function directRows(layout: Layout, view: DataView, out: Uint8Array): RowWriter {
  const { width, bits } = layout;
  const step = bits >> 3;
  const channels = masksOf(layout, view).map(maskedChannel);
  return (rowAt, to) => {
    for (let x = 0; x < width; x++) {
      const at = rowAt + x * step;
      if (bits === 24) for (let c = 0; c < 3; c++) out[to + 3 * x + c] = view.getUint8(at + 2 - c);
      else {
        const pixel = bits === 16 ? view.getUint16(at, true) : view.getUint32(at, true);
        for (let c = 0; c < 3; c++) out[to + 3 * x + c] = channels[c]!(pixel);
      }
    }
  };
}

/**
 * Decodes a BMP to RGB [height, width, 3]. The caller checks the size beforehand.
 * @throws Error for a file that is cut off, compressed or of an unknown kind
 */
export function decodeBmp(bytes: Uint8Array): PixelArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const layout = readLayout(bytes, view);
  const { width, height, topDown, bits, compression, dataAt } = layout;
  if (compression === 1 || compression === 2) throw new Error('the BMP is run-length compressed');
  const masked = compression === BITFIELDS || compression === ALPHABITFIELDS;
  const known = compression === RGB ? [1, 4, 8, 16, 24, 32] : masked ? [16, 32] : [];
  if (!known.includes(bits)) throw new Error('the BMP is of an unknown kind');
  const stride = Math.ceil((width * bits) / 32) * 4;
  if (dataAt + stride * height > bytes.length) throw new Error('the BMP is cut off');
  const data = new Uint8Array(width * height * 3);
  const writeRow = bits <= 8 ? indexedRows(layout, bytes, data) : directRows(layout, view, data);
  for (let y = 0; y < height; y++) {
    writeRow(dataAt + stride * (topDown ? y : height - 1 - y), y * width * 3);
  }
  return { width, height, channels: 3, data };
}
