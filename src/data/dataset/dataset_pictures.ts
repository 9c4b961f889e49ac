// Looks at the pictures that rows name: type and size by their first bytes, and whether their end is there. The words and
// limits are those of the Look page (image/picture_check.ts). A picture that passes may still turn out to be broken when
// it is decoded.
// A loose file is read whole only where its last bytes do not show its end, one in a zip wherever its format has an end.

import { LookBackError } from '../../lib/errors';
import { formatBytes } from '../../lib/format';
import { type ImageHeader, isWholeJpeg } from '../image/image_header';
import { checkPictureHead, checkPicture as checkSource } from '../image/picture_check';
import type { SourceFile } from './dataset_files';
import type { ImportLimits } from './import_limits';

/** A checked picture's media type, or why it cannot be used; the reason completes "image "x.png" …". */
export type PictureCheck = { readonly type: string } | { readonly reason: string };

const TAIL_BYTES = 65_536;
/** Length, `IEND` and checksum of a PNG's last chunk. */
const PNG_END = [0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82];
const CUT_OFF = 'is cut off';

/** Length that the file states for itself, where its format has one. */
function statedLength(head: Uint8Array, { format }: ImageHeader): number {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (format === 'webp') return view.getUint32(4, true) + 8;
  return format === 'bmp' ? view.getUint32(2, true) : 0;
}

function holds(bytes: Uint8Array, wanted: readonly number[]): boolean {
  const [first = 0] = wanted;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return true;
  }
  return false;
}

/** Whether a whole PNG or JPEG has its end, wherever programs have added their own data behind it. */
function isWhole(bytes: Uint8Array, { format }: ImageHeader): boolean {
  if (format === 'png') return holds(bytes, PNG_END);
  return format !== 'jpeg' || isWholeJpeg(bytes);
}

/** The same, from the last bytes: mostly enough to see that the end is there. */
function endsWell(tail: Uint8Array, { format }: ImageHeader): boolean {
  if (format === 'png') return holds(tail, PNG_END);
  return format !== 'jpeg' || (tail.at(-2) === 0xff && tail.at(-1) === 0xd9);
}

/** Checks an encoded picture that is in memory. Never throws. */
export function checkPicture(bytes: Uint8Array, limits: ImportLimits): PictureCheck {
  const check = checkPictureHead(bytes, bytes.length, limits);
  if ('reason' in check) return { reason: check.reason };
  const { header } = check;
  if (statedLength(bytes, header) > bytes.length || !isWhole(bytes, header)) return { reason: CUT_OFF };
  return { type: `image/${header.format}` };
}

/** Checks a picture's first bytes and its end. A file that cannot be read is a reason, too. */
export async function checkPictureFile(file: SourceFile, limits: ImportLimits): Promise<PictureCheck> {
  try {
    let head: Uint8Array = new Uint8Array(0);
    const read = async (length: number): Promise<Uint8Array> => {
      head = await file.head(length);
      return head;
    };
    const check = await checkSource(file.size, read, limits);
    if ('reason' in check) return { reason: check.reason };
    const { header } = check;
    if (statedLength(head, header) > file.size) return { reason: CUT_OFF };
    const hasEnd = header.format === 'png' || header.format === 'jpeg';
    if (!hasEnd) return { type: `image/${header.format}` };
    if (head.length >= file.size) return checkPicture(head, limits);
    const tail = await file.tail(TAIL_BYTES);
    if (tail !== null && endsWell(tail, header)) return { type: `image/${header.format}` };
    return checkPicture(await file.head(file.size), limits);
  } catch (error) {
    if (error instanceof LookBackError) return { reason: `cannot be read: ${error.message}` };
    throw error;
  }
}

/** Bytes of base64 text; null when it is not base64, a reason when it is too large. */
export function decodeBase64(text: string, limits: ImportLimits): Uint8Array | { readonly reason: string } {
  // Line ends inside are allowed, hence a little slack.
  if (text.length > 1.5 * limits.maxImageBytes) {
    return { reason: `is larger than ${formatBytes(limits.maxImageBytes)}` };
  }
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    return { reason: 'is not valid base64' };
  }
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
