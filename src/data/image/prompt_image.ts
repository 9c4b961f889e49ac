// Says how a picture gets into a prompt: the patch rows of the vision tower, and the token ids that stand for them. One
// processor per kind of model; both are exact against Hugging Face's.
import { gridImageTokens } from '../text/image_tokens';
import type { Tokenizer } from '../text/tokenizer';
import { type GridThw, processQwenImages, type QwenImageConfig } from './image_processor';
import type { PixelArray } from './pillow_resize';

/** A picture as a model receives it. */
export interface PromptImage {
  /** [frames · rows · columns, patch values] in merge-block-major order, frame by frame. */
  readonly pixelValues: Float32Array;
  /** Frames, and rows and columns of patches in each; a frame of a still picture is a tile of it. */
  readonly gridThw: GridThw;
  /** What the model received, in pixels. */
  readonly width: number;
  readonly height: number;
}

/** Turns pictures into what a model reads. */
export interface PromptImageProcessor {
  /** Patches per merged token along each axis. */
  readonly mergeSize: number;
  /** Throws DataError for a picture that cannot be used. */
  process(image: PixelArray): PromptImage;
  /** Token ids that replace the picture's placeholder in a prompt. */
  promptIds(image: PromptImage, tokenizer: Tokenizer): number[];
}

/** Processor of the Qwen families: a picture is as many image tokens as it has merged cells. */
export function qwenPromptImages(config: QwenImageConfig, imageTokenId: number): PromptImageProcessor {
  const { mergeSize, patchSize } = config;
  return {
    mergeSize,
    process(image) {
      const { pixelValues, gridThw } = processQwenImages([image], config);
      const [grid = [1, 0, 0] as const] = gridThw;
      return { pixelValues, gridThw: grid, width: grid[2] * patchSize, height: grid[1] * patchSize };
    },
    promptIds: ({ gridThw }) => gridImageTokens(gridThw, mergeSize, imageTokenId),
  };
}
