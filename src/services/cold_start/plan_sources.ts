// Lists the problems of a cold start: questions of the built-in world or rows of a data set, whose pictures are read when asked for.

import type { DecodedImage } from '../../data/image/picture_decoder';
import type { PixelArray } from '../../data/image/pillow_resize';
import { type ProblemSource, rowProblem, worldProblem } from '../../lookback/cold_start/problem_source';
import type { ColdStartPlan } from '../../worker/protocol/cold_start';
import type { DatasetLibrary } from '../library/dataset_library';

/** What reads rows and makes pictures. */
export interface SourceParts {
  readonly datasets: Pick<DatasetLibrary, 'storedRow'>;
  encodePicture(pixels: PixelArray): Promise<Blob>;
  decodeImage(file: Blob): Promise<DecodedImage>;
}

/** Problems that are listed before others may speak. */
const LISTED_AT_ONCE = 64;

/** The plan's problems in their order. Rejects as reading the data set's rows does. */
export async function sourcesOf(plan: ColdStartPlan, parts: SourceParts): Promise<ProblemSource[]> {
  const { datasets, encodePicture, decodeImage } = parts;
  const { source, count } = plan;
  const problem = async (index: number): Promise<ProblemSource> => {
    if (source.kind === 'shapes_world') return worldProblem(plan, index, encodePicture);
    const { question, answer, system } = await datasets.storedRow(source.datasetId, index);
    const file = async () => (await datasets.storedRow(source.datasetId, index)).image;
    const pixels = async () => (await decodeImage(await file())).pixels;
    return rowProblem({ question, answer, system, kind: null, pixels, file }, index);
  };
  const sources: ProblemSource[] = [];
  for (let index = 0; index < count; index++) {
    if (index % LISTED_AT_ONCE === 0) await new Promise((resolve) => setTimeout(resolve));
    sources.push(await problem(index));
  }
  return sources;
}
