// Tells the split of a data set from names, as the Hugging Face `datasets` library does: a word of the name (`train`,
// `validation`, `test` and their usual spellings) between other characters than letters and digits.
// Source: huggingface/datasets, data_files.py (SPLIT_KEYWORDS and its delimiters).

/** The splits that names can tell. */
export type SplitName = 'train' | 'validation' | 'test';

const WORDS: Readonly<Record<string, SplitName>> = {
  train: 'train',
  training: 'train',
  validation: 'validation',
  valid: 'validation',
  val: 'validation',
  dev: 'validation',
  test: 'test',
  testing: 'test',
  eval: 'test',
  evaluation: 'test',
};

/** The split that a file's or folder's name tells; null where it tells none. */
export function splitOfName(name: string): SplitName | null {
  for (const word of name.toLowerCase().split(/[^a-z0-9]+/)) {
    if (Object.hasOwn(WORDS, word)) return WORDS[word]!;
  }
  return null;
}

/** Whether a name is a split's and nothing else. */
export function isSplitName(name: string): boolean {
  return Object.hasOwn(WORDS, name.toLowerCase());
}

/** The split of a path: of its file's name, else of the folder nearest to it that tells one. */
export function splitOfPath(path: string): SplitName | null {
  for (const segment of path.split('/').reverse()) {
    const split = splitOfName(segment);
    if (split !== null) return split;
  }
  return null;
}

/** The name to begin with: a training split's, else the first. Undefined for none. */
export function preferredSplit(names: readonly string[]): string | undefined {
  return names.find((name) => splitOfName(name) === 'train') ?? names[0];
}
