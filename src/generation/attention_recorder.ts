// Reads what the attention kernels captured and aligns it with tokens; the one definition of the attention shares and
// maps that page, command lines and evaluation show.
//
// Definition (the authors', vis_demo/att_trend_viz.py of the Look-Back repository): for the query of generated token
// t, layer l, and a = mean over heads of its attention row, Z = sum of a over the keys from the first image token on:
//   image = a(image) / Z, query = a(text after the image, up to the first generated token) / Z, generated = a(rest) /
// Z,
// each per layer first, then the mean over layers. Keys before the image (attention sinks) are outside Z; what
// `<|vision_end|>` gets is in Z but in no share, so the three sum to a little less than 1.
// Alignment: a step feeds token t and samples token t + 1, so the attention of token t arrives with token t + 1, and
// shares at index t belong to generated token t (0-based).

import { KEY_CLASS, KEY_CLASSES } from '../kernels/sequence_words';
import { invariant, itemAt } from '../lib/invariant';

/** Mean over layers of the three shares of one query; each in [0, 1], their sum at most 1. */
export interface AttentionShares {
  readonly image: number;
  readonly query: number;
  readonly generated: number;
}

/** What one decoding step captured. See `StepResult` of the generation session. */
export interface CapturedStep {
  readonly step: number;
  /** [B, layers, 5] head-mean mass of each class of keys. */
  readonly shares?: Float32Array;
  /** [B, mapLayers, mapSize] head-mean mass on each image token, row-major on the merged grid, padded with zeros. */
  readonly map?: Float32Array;
}

/** Attention of one generated token. */
export interface TokenAttention {
  /** Index of the generated token whose query this is. */
  readonly step: number;
  readonly shares: AttentionShares;
  /** [imageTokens] probability mass, mean over heads and recorded layers (not divided by Z); empty when not captured. */
  readonly map: Float32Array;
}

/**
 * Shares of one query from the class masses of its layers.
 *
 * @param masses [layers, 5], a column for each of {@link KEY_CLASS}
 */
export function sharesOf(masses: Float32Array): AttentionShares {
  const layers = masses.length / KEY_CLASSES;
  invariant(
    layers > 0 && Number.isInteger(layers),
    `${masses.length} masses do not make layers of ${KEY_CLASSES}`,
  );
  let image = 0;
  let query = 0;
  let generated = 0;
  for (let layer = 0; layer < layers; layer++) {
    const on = (name: keyof typeof KEY_CLASS): number =>
      itemAt(masses, layer * KEY_CLASSES + KEY_CLASS[name]);
    const [onImage, onQuery, onGenerated] = [on('image'), on('query'), on('generated')];
    const total = onImage + on('remainder') + onQuery + onGenerated;
    // A row that looks only before the image has no shares to speak of: it counts as zero, not as NaN.
    if (total <= 0) continue;
    image += onImage / total;
    query += onQuery / total;
    generated += onGenerated / total;
  }
  return { image: image / layers, query: query / layers, generated: generated / layers };
}

/**
 * Mean over layers of the maps of one query.
 *
 * @param maps [mapLayers, mapSize]
 * @param imageTokens how many of mapSize are tokens of this prompt
 * @returns [imageTokens]
 */
export function meanMap(maps: Float32Array, mapSize: number, imageTokens: number): Float32Array {
  const layers = mapSize === 0 ? 0 : maps.length / mapSize;
  const mean = new Float32Array(imageTokens);
  for (let layer = 0; layer < layers; layer++) {
    for (let n = 0; n < imageTokens; n++)
      mean[n] = itemAt(mean, n) + itemAt(maps, layer * mapSize + n) / layers;
  }
  return mean;
}

/** Reads the attention of each sequence of a batch out of captured steps. */
export class AttentionRecorder {
  readonly #imageTokens: readonly number[];
  readonly #batch: number;
  readonly #mapLayers: number;

  /**
   * @param imageTokens image tokens of each sequence's prompt
   * @param session     its batch, and the number of layers whose maps it captures
   */
  constructor(
    imageTokens: readonly number[],
    session: { readonly batch: number; readonly mapLayers: number },
  ) {
    this.#imageTokens = imageTokens;
    this.#batch = session.batch;
    this.#mapLayers = session.mapLayers;
  }

  /**
   * Attention that `captured` carries for a sequence: that of the token before the one the step sampled; null when
   * nothing was captured (the prompt's own step, or capture off).
   */
  read(captured: CapturedStep, sequence: number): TokenAttention | null {
    const { step, shares, map } = captured;
    if (shares === undefined || step === 0) return null;
    const size = shares.length / this.#batch;
    const own = shares.subarray(sequence * size, (sequence + 1) * size);
    return { step: step - 1, shares: sharesOf(own), map: this.#mapOf(map, sequence) };
  }

  #mapOf(map: Float32Array | undefined, sequence: number): Float32Array {
    if (map === undefined || this.#mapLayers === 0) return new Float32Array(0);
    const size = map.length / this.#batch;
    const own = map.subarray(sequence * size, (sequence + 1) * size);
    return meanMap(own, size / this.#mapLayers, itemAt(this.#imageTokens, sequence));
  }
}
