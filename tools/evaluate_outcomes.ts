// Reads the outcomes that an evaluation wrote, one JSON object a line.

import { readFile } from 'node:fs/promises';
import { DataError } from '../src/lib/errors';
import type { SceneOutcome } from '../src/lookback/evaluation';

/**
 * Outcomes in a file, in its order; none where there is no file. A last line that was cut off by an interruption is dropped.
 * @throws DataError `data/row` naming the first other line that is no outcome
 */
export async function readOutcomes(file: string): Promise<SceneOutcome[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.flatMap((line, i): SceneOutcome[] => {
    try {
      return [JSON.parse(line) as SceneOutcome];
    } catch {
      if (i === lines.length - 1) return [];
      throw new DataError(
        'data/row',
        `${file}, line ${i + 1} is not an outcome: remove the file, or run without --resume.`,
      );
    }
  });
}
