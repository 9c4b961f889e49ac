// Lists the questions of an evaluation, each with its picture: drawn from the built-in world, or the rows of a data set.
// Pictures are made or read only when they are needed.

import type { DecodedImage } from '../../data/image/picture_decoder';
import type { PixelArray } from '../../data/image/pillow_resize';
import type { SplitQuestions } from '../../data/world/split_questions';
import { type EvaluationItem, splitItem } from '../../lookback/evaluation_run';
import type { EvaluationPlan } from '../../worker/protocol/evaluation';
import type { DatasetLibrary } from '../library/dataset_library';

/** What the questions are made with. */
export interface SourceParts {
  readonly datasets: Pick<DatasetLibrary, 'storedRow'>;
  decodeImage(file: Blob): Promise<DecodedImage>;
  encodePicture(pixels: PixelArray): Promise<Blob>;
}

/** A picture as a file. */
export interface ItemPicture {
  readonly image: Blob;
  readonly imageName: string;
}

const SPLITS: Readonly<Record<EvaluationPlan['questions'], Omit<SplitQuestions, 'seed'>>> = {
  sheets: { split: 'test', visual: true },
  photographs: { split: 'photographs', visual: true },
  mixed: { split: 'test', visual: false },
  heldout: { split: 'heldout', visual: true },
};

/** Questions that are listed before others may speak. */
const LISTED_AT_ONCE = 64;

async function itemAt(
  { source, questions, seed }: EvaluationPlan,
  index: number,
  { datasets, decodeImage }: SourceParts,
): Promise<EvaluationItem> {
  if (source.kind === 'shapes_world') return splitItem({ ...SPLITS[questions], seed }, index);
  const { question, answer, system } = await datasets.storedRow(source.datasetId, index);
  const image = async () =>
    (await decodeImage((await datasets.storedRow(source.datasetId, index)).image)).pixels;
  return { index, kind: 'all', question, expected: answer, system, image };
}

/**
 * The questions of a plan that have a number in `wanted`.
 * @throws StorageError `storage/missing` where the dataset is gone; the signal's reason when aborted
 */
export async function evaluationItems(
  plan: EvaluationPlan,
  wanted: (index: number) => boolean,
  parts: SourceParts,
  signal?: AbortSignal,
): Promise<EvaluationItem[]> {
  const items: EvaluationItem[] = [];
  for (let index = 0; index < plan.count; index++) {
    if (index % LISTED_AT_ONCE === 0) {
      await new Promise((resolve) => setTimeout(resolve));
      signal?.throwIfAborted();
    }
    if (wanted(index)) items.push(await itemAt(plan, index, parts));
  }
  return items;
}

/** The picture of a question, as a file. @throws StorageError `storage/missing` */
export async function itemPicture(
  plan: EvaluationPlan,
  index: number,
  parts: SourceParts,
): Promise<ItemPicture> {
  const { source, questions, seed } = plan;
  if (source.kind === 'dataset') return parts.datasets.storedRow(source.datasetId, index);
  const { image } = splitItem({ ...SPLITS[questions], seed }, index);
  return { image: await parts.encodePicture(await image()), imageName: `${questions} ${seed}-${index}` };
}
