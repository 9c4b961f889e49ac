// Makes the link of an answer: the page's address with the whole answer in its fragment, the picture at the size that the
// model received. A picture that is too large without loss is tried with some.

import { LOOK_FRAGMENT } from '../../state/look_address';
import type { Picture } from '../../state/look_picture';
import type { Answer } from '../../state/session';
import type { TracePicture } from '../../state/trace';
import { LINK_CHARACTERS, writeTraceLink } from '../../state/trace_link';
import { receivedPixels } from './heatmap';
import { SHARE_COPY } from './share_copy';

/** How pictures are written, the best first. Whether WebP of quality 1 loses something differs between browsers. */
const ENCODINGS = [
  { type: 'image/png', quality: 1 },
  { type: 'image/webp', quality: 1 },
  { type: 'image/webp', quality: 0.9 },
  { type: 'image/jpeg', quality: 0.85 },
] as const;

/** A link, or how long the shortest one would have been. */
export type SharedLink =
  | { readonly url: string; readonly exact: boolean; readonly characters: number }
  | { readonly url: null; readonly characters: number };

async function samePixels(canvas: OffscreenCanvas, blob: Blob): Promise<boolean> {
  const { width, height } = canvas;
  const pixels = (of: OffscreenCanvas) => of.getContext('2d')?.getImageData(0, 0, width, height).data;
  const decoded = receivedPixels(await createImageBitmap(blob), false, { width, height });
  const [before, after] = [pixels(canvas), pixels(decoded)];
  return before?.every((value, i) => value === after?.[i]) === true;
}

async function encoded(
  { answer, pictures }: { readonly answer: Answer; readonly pictures: readonly Picture[] },
  { type, quality }: (typeof ENCODINGS)[number],
): Promise<{ readonly pictures: TracePicture[]; readonly exact: boolean } | null> {
  const facts = answer.prompt?.pictures ?? [];
  const square = answer.prompt?.square ?? false;
  const made = await Promise.all(
    pictures.map(async ({ bitmap }, at) => {
      const { resizedWidth: width = bitmap.width, resizedHeight: height = bitmap.height } = facts[at] ?? {};
      const canvas = receivedPixels(bitmap, square, { width, height });
      const blob = await canvas.convertToBlob({ type, quality });
      // What a file is called on somebody's device is nobody else's business.
      const name = SHARE_COPY.picture(at, pictures.length);
      return { name, blob, exact: type === 'image/png' || (await samePixels(canvas, blob)) };
    }),
  );
  // A browser that cannot write a form writes PNG instead, which was tried.
  if (made.some(({ blob }) => blob.type !== type)) return null;
  return {
    pictures: made.map(({ name, blob }) => ({ name, blob })),
    exact: made.every(({ exact }) => exact),
  };
}

/** The link of a finished answer. */
export async function shareLink(
  shown: { readonly answer: Answer; readonly pictures: readonly Picture[] },
  page: string,
): Promise<SharedLink> {
  let shortest = Number.POSITIVE_INFINITY;
  for (const encoding of ENCODINGS) {
    const made = await encoded(shown, encoding);
    if (made === null) continue;
    const { pictures, exact } = made;
    const packed = await writeTraceLink({ answer: shown.answer, pictures });
    const fragment = `${LOOK_FRAGMENT}trace=${packed}`;
    shortest = Math.min(shortest, fragment.length);
    if (fragment.length <= LINK_CHARACTERS) {
      return {
        url: page.replace(/#.*$/s, '') + fragment,
        exact,
        characters: fragment.length,
      };
    }
  }
  return { url: null, characters: shortest };
}
