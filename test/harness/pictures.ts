// Small pictures with the pixels that Pillow gives for them, made by tools/goldens/picture_set.py.
import { loadFixtureJson } from './fixture';

/** A picture file and what it decodes to. */
export interface PictureCase {
  readonly name: string;
  readonly file: Uint8Array<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

function bytes(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

/** All of them. */
export async function loadPictureCases(): Promise<PictureCase[]> {
  type Stored = Record<string, { width: number; height: number; file: string; rgb: string }>;
  const stored = (await loadFixtureJson('pictures.json')) as Stored;
  return Object.entries(stored).map(([name, { width, height, file, rgb }]) => {
    return { name, width, height, file: bytes(file), rgb: bytes(rgb) };
  });
}
