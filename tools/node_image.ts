// Decodes pictures for the command lines with the page's reader (src/data/image/picture_decoder.ts) and, where the page
// asks the browser, with codecs in WebAssembly: mozjpeg for JPEG and libwebp give the very bytes of Pillow; libavif's
// colours may differ by some levels where they are stored at half the resolution.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { decode as decodeCmykJpeg } from 'jpeg-js';
import type { ImageHeader } from '../src/data/image/image_header';
import { MAX_IMAGE_BYTES } from '../src/data/image/picture_check';
import {
  type CodecPicture,
  decodePicture,
  dropAlpha,
  type PictureCodec,
} from '../src/data/image/picture_decoder';
import type { PixelArray } from '../src/data/image/pillow_resize';
import { readRegularFile } from './regular_file';
import { firstFrame } from './webp_frame';

type WasmName = 'jpeg/codec/dec/mozjpeg_dec' | 'webp/codec/dec/webp_dec' | 'avif/codec/dec/avif_dec';

/** The codecs fetch their code where they run in a page; here it is read from the package. */
function wasmModule(name: WasmName): WebAssembly.Module {
  return new WebAssembly.Module(
    readFileSync(createRequire(import.meta.url).resolve(`@jsquash/${name}.wasm`)),
  );
}

/** What the codecs return their pixels in; Node has no class of that name. */
class RgbaPixels {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;

  constructor(data: Uint8ClampedArray, width: number, height: number) {
    [this.data, this.width, this.height] = [data, width, height];
  }
}

type WasmDecoder = (bytes: ArrayBuffer) => Promise<RgbaPixels | null>;
const decoders = new Map<WasmName, Promise<WasmDecoder>>();

async function loadDecoder(name: WasmName): Promise<WasmDecoder> {
  Object.assign(globalThis, { ImageData: globalThis.ImageData ?? RgbaPixels });
  const codec = await {
    'jpeg/codec/dec/mozjpeg_dec': () => import('@jsquash/jpeg/decode.js'),
    'webp/codec/dec/webp_dec': () => import('@jsquash/webp/decode.js'),
    'avif/codec/dec/avif_dec': () => import('@jsquash/avif/decode.js'),
  }[name]();
  await codec.init(wasmModule(name));
  return codec.default as WasmDecoder;
}

async function decodeWasm(name: WasmName, bytes: Uint8Array<ArrayBuffer>): Promise<CodecPicture> {
  const known = decoders.get(name) ?? loadDecoder(name);
  decoders.set(name, known);
  const found = await (await known)(bytes.slice().buffer);
  if (found === null) throw new Error('the file is damaged');
  return dropAlpha(found.data, found.width, found.height);
}

/** Components of a JPEG: 4 for CMYK, which mozjpeg does not turn into RGB. */
function jpegComponents(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; at + 10 <= bytes.length && bytes[at] === 0xff; ) {
    const marker = bytes[at + 1]!;
    if (marker === 0xff) at += 1;
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) return bytes[at + 9]!;
    else at += 2 + Math.max(2, view.getUint16(at + 2));
  }
  return 3;
}

async function decodeJpeg(bytes: Uint8Array<ArrayBuffer>): Promise<CodecPicture> {
  if (jpegComponents(bytes) !== 4) return decodeWasm('jpeg/codec/dec/mozjpeg_dec', bytes);
  const { data, width, height } = decodeCmykJpeg(bytes, {
    useTArray: true,
    maxResolutionInMP: 200,
    maxMemoryUsageInMB: 4096,
  });
  return dropAlpha(data, width, height);
}

/** The first frame on its canvas: libwebp's plain decoder reads stills alone. Around a smaller frame is black, as in Pillow. */
async function decodeAnimatedWebp(
  bytes: Uint8Array<ArrayBuffer>,
  header: ImageHeader,
): Promise<CodecPicture> {
  const { still, left, top } = firstFrame(bytes);
  const found = await decodeWasm('webp/codec/dec/webp_dec', still);
  const { width, height } = header;
  const data = new Uint8Array(width * height * 3);
  const columns = Math.min(found.pixels.width, width - left);
  for (let y = 0; y < Math.min(found.pixels.height, height - top); y++) {
    const from = y * found.pixels.width * 3;
    data.set(found.pixels.data.subarray(from, from + 3 * columns), ((top + y) * width + left) * 3);
  }
  const covers = found.pixels.width === width && found.pixels.height === height;
  return {
    pixels: { width, height, channels: 3, data },
    translucent: found.translucent || !covers,
  };
}

const decodeInNode: PictureCodec = async (bytes, header: ImageHeader) => {
  const { format } = header;
  if (format === 'webp' && header.animated) return decodeAnimatedWebp(bytes, header);
  if (format === 'webp') return decodeWasm('webp/codec/dec/webp_dec', bytes);
  if (format === 'avif') return decodeWasm('avif/codec/dec/avif_dec', bytes);
  return decodeJpeg(bytes);
};

/**
 * Decoded RGB pixels of a picture in memory.
 * @param file its name, for messages
 * @throws DataError `data/image` for what is no readable picture, `data/image-size` for one that is too large
 */
export async function decodeImage(bytes: Uint8Array | Blob, file: string): Promise<PixelArray> {
  const blob = bytes instanceof Blob ? bytes : new Blob([bytes as Uint8Array<ArrayBuffer>]);
  return (await decodePicture(blob, file, decodeInNode)).pixels;
}

/** Decoded pixels of a picture on disk. Throws DataError as {@link decodeImage}, or `data/file` for no regular file. */
export async function readPicture(file: string): Promise<PixelArray> {
  return decodeImage(await readRegularFile(file, MAX_IMAGE_BYTES), file);
}
