// Makes blank pictures of the size of others: what a model is shown to find out what a picture is worth to it.

import type { ImageInput } from './prompt_packing';

/** Blank pictures, one of each size, so that the features of each are computed once. */
export class BlankPictures {
  readonly #bySize = new Map<string, ImageInput>();

  /** A picture of the same size, all of the mean colour that the processor subtracts. */
  of({ gridThw, pixelValues }: ImageInput): ImageInput {
    const key = gridThw.join();
    const blank = this.#bySize.get(key) ?? { gridThw, pixelValues: new Float32Array(pixelValues.length) };
    this.#bySize.set(key, blank);
    return blank;
  }
}
