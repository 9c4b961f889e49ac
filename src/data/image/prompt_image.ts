// Says how a picture gets into a prompt: the patch rows of the vision tower, and the token ids that stand for them. One
// processor per kind of model; both are exact against Hugging Face's.
import { gridImageTokens, tiledImageTokens } from '../text/image_tokens';
import type { Tokenizer } from '../text/tokenizer';
import { type GridThw, processQwenImages, type QwenImageConfig } from './image_processor';
import type { PixelArray } from './pillow_resize';
import {
  type ImageSplit,
  processSmolImage,
  type SmolImageConfig,
  withinTokens,
} from './smol_image_processor';

/** A picture as a model receives it. */
export interface PromptImage {
  /** [frames · rows · columns, patch values] in merge-block-major order, frame by frame. */
  readonly pixelValues: Float32Array;
  /** Frames, and rows and columns of patches in each; a frame of a still picture is a tile of it. */
  readonly gridThw: GridThw;
  /** Tiles into which the picture was cut; after them comes the whole picture as one more. */
  readonly split: ImageSplit;
  /** What the model received, in pixels. */
  readonly width: number;
  readonly height: number;
  /** The RGB picture that the rows were cut from, where that is one picture. */
  readonly received?: PixelArray;
}

/** Turns pictures into what a model reads. */
export interface PromptImageProcessor {
  /** Patches per merged token along each axis. */
  readonly mergeSize: number;
  /**
   * @param maxTokens most image tokens: a larger picture is made smaller, as far as its kind allows; by default what the
   *   checkpoint says
   * @throws DataError for a picture that cannot be used
   */
  process(image: PixelArray, maxTokens?: number): PromptImage;
  /** Token ids that replace the picture's placeholder in a prompt. */
  promptIds(image: PromptImage, tokenizer: Tokenizer): number[];
}

const UNSPLIT: ImageSplit = { rows: 0, cols: 0 };

/** Processor of the Qwen families: a picture is as many image tokens as it has merged cells. */
export function qwenPromptImages(config: QwenImageConfig, imageTokenId: number): PromptImageProcessor {
  const { mergeSize, patchSize } = config;
  return {
    mergeSize,
    process(image, maxTokens = Number.POSITIVE_INFINITY) {
      const most = maxTokens * (patchSize * mergeSize) ** 2;
      const [minPixels, maxPixels] = [Math.min(config.minPixels, most), Math.min(config.maxPixels, most)];
      const { pixelValues, gridThw, resized } = processQwenImages([image], {
        ...config,
        minPixels,
        maxPixels,
      });
      const [grid] = gridThw as [GridThw];
      const [received] = resized as [PixelArray];
      const { width, height } = received;
      return { pixelValues, gridThw: grid, split: UNSPLIT, width, height, received };
    },
    promptIds: ({ gridThw }) => gridImageTokens(gridThw, mergeSize, imageTokenId),
  };
}

/** Processor of SmolVLM: a picture is one tile, or several with the whole picture, each of as many image tokens. */
export function smolPromptImages(config: SmolImageConfig): PromptImageProcessor {
  const { mergeSize, tileEdge } = config;
  return {
    mergeSize,
    process(image, maxTokens = Number.POSITIVE_INFINITY) {
      const { pixelValues, gridThw, rows, cols } = processSmolImage(
        image,
        withinTokens(image, config, maxTokens),
      );
      const [width, height] = [Math.max(1, cols) * tileEdge, Math.max(1, rows) * tileEdge];
      return { pixelValues, gridThw, split: { rows, cols }, width, height };
    },
    promptIds: ({ gridThw: [, height, width], split }, tokenizer) =>
      tiledImageTokens(tokenizer, split, (height * width) / mergeSize ** 2),
  };
}
