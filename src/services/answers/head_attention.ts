// Turns what single heads attended to into what the page shows: masses by class, and maps on the pictures' grids.

import { tiledMaps } from '../../data/image/tile_map';
import type { PreparedPrompt } from '../../generation/processor';
import { KEY_CLASS, KEY_CLASSES } from '../../kernels/sequence_words';
import { itemAt } from '../../lib/invariant';
import type { HeadCapture } from '../../model/head_capture';
import type { HeadAttention } from '../../worker/protocol/answers';

/** Image, question, generated text, all keys from the first image token on. */
const MASSES = 4;

function massesOf(classes: Float32Array): Float32Array {
  const rows = classes.length / KEY_CLASSES;
  const masses = new Float32Array(rows * MASSES);
  for (let row = 0; row < rows; row++) {
    const on = (name: keyof typeof KEY_CLASS) => itemAt(classes, row * KEY_CLASSES + KEY_CLASS[name]);
    const [image, query, generated] = [on('image'), on('query'), on('generated')];
    masses.set([image, query, generated, image + query + generated + on('remainder')], row * MASSES);
  }
  return masses;
}

/** The attention of one token in every layer and head. */
export function headAttention(
  { masses, maps }: HeadCapture,
  { imageTokens, pictures }: Pick<PreparedPrompt, 'imageTokens' | 'pictures'>,
  layers: number,
  heads: number,
): HeadAttention {
  const cells = pictures.reduce((sum, { grid: [rows, columns] }) => sum + rows * columns, 0);
  const laid = new Float32Array(layers * heads * cells);
  for (let row = 0; row < layers * heads; row++) {
    const own = maps.subarray(row * imageTokens, (row + 1) * imageTokens);
    laid.set(tiledMaps(own, pictures), row * cells);
  }
  return { layers, heads, masses: massesOf(masses), maps: laid };
}
