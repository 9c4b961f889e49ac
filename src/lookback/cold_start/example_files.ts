// Writes the texts of a cold start's data set as TRL, LLaMA-Factory and the page read it, for a folder or a zip.

import type { ColdStartRow } from './judged_examples';

/** Objects as JSON lines. */
export function jsonLines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** Name of a problem's picture below the data set. @param type MIME type of the file */
export function pictureName(id: string, type: string): string {
  const ending = type.split('/')[1] ?? 'bin';
  return `images/${id.replaceAll(/[^\w-]/g, '_')}.${ending === 'jpeg' ? 'jpg' : ending}`;
}

/**
 * The data set: `metadata.jsonl`, an imagefolder whose rows also hold `messages` and `images`, as TRL's vision trainers
 * read them, and `dataset_info.json`, by which LLaMA-Factory reads the same file.
 */
export function datasetFiles(
  rows: readonly (ColdStartRow & { readonly image: string })[],
): Readonly<Record<'metadata.jsonl' | 'dataset_info.json', string>> {
  const metadata = rows.map(({ image, ...row }) => ({
    file_name: image,
    ...row,
    messages: [
      ...(row.system === undefined ? [] : [{ role: 'system', content: row.system }]),
      { role: 'user', content: `<image>${row.question}` },
      { role: 'assistant', content: row.response },
    ],
    images: [image],
  }));
  const info = {
    look_back_cold_start: {
      file_name: 'metadata.jsonl',
      formatting: 'sharegpt',
      columns: { messages: 'messages', images: 'images' },
      tags: {
        ...{ role_tag: 'role', content_tag: 'content' },
        ...{ user_tag: 'user', assistant_tag: 'assistant', system_tag: 'system' },
      },
    },
  };
  return {
    'metadata.jsonl': jsonLines(metadata),
    'dataset_info.json': `${JSON.stringify(info, null, 2)}\n`,
  };
}
