// Holds every sentence of the Data page and of adding an answer to a dataset. What is left out of a dataset is
// counted in the button that leaves it out.

import { formatBytes } from '../../lib/format';
import type {
  ColumnMapping,
  DatasetOrigin,
  DatasetPreview,
  DatasetWarning,
  ImportProgress,
} from '../../worker/protocol/library';
import { CONTROLS, control, pageName } from '../controls';

/** Fixed texts. */
export const DATA_COPY = {
  title: 'Data',
  about:
    'Questions about pictures, with their answers, to train on. What you import is kept in this browser, on this device, and sent nowhere.',
  import: 'Import',
  choose: 'Choose files',
  chooseFolder: 'Choose a folder',
  drop: 'or drop files, a folder or a zip anywhere on this page, or paste a table as text: JSON lines, a JSON list, CSV, or cells of a spreadsheet.',
  format: 'What it should look like',
  formatWords:
    'A table with one row per question, and the pictures that it names, by paths relative to it. JSON lines (.jsonl) look like this; other names of columns can be matched after reading. A response is a written-out reasoning, which SFT needs; GRPO needs only the answer. Other columns are kept with the row, and a reward of your own can read them.',
  formatExample:
    '{"image": "images/1.png", "question": "How many red squares?", "answer": "3", "response": "<think>…</think> \\\\boxed{3}"}',
  work: {
    collecting: 'Collecting the files…',
    reading: 'Reading…',
    keeping: 'Storing…',
  },
  preview: 'Preview',
  previewLabel: 'Rows as read, before anything is stored',
  columns: {
    image: 'Picture',
    question: 'Question',
    answer: 'Answer',
    response: 'Response',
    system: 'System text',
    options: 'Options',
  } satisfies Record<keyof ColumnMapping, string>,
  mapping: 'Which column holds what',
  noColumn: 'none',
  needs: {
    image: 'needed',
    question: 'needed',
    answer: 'or boxed in the response',
    response: 'what SFT imitates',
    system: 'before the question; of chats it is known',
    options: 'of multiple choice',
  },
  sample: 'The first rows',
  split: 'Split',
  splitRows: (name: string, rows: number | null) =>
    rows === null ? name : `${name} (${counted(rows, 'row')})`,
  warnings: 'Rows that can be used, but may not be meant',
  warningKinds: {
    file: 'Files that were not opened',
    duplicate: 'Rows that are there twice',
    id: 'Ids that are there twice',
    contradiction: 'Answers that contradict each other',
    'unknown words': 'Words that the loaded model does not know',
    columns: 'Columns that are left out',
  } satisfies Record<DatasetWarning['kind'], string>,
  dismiss: 'Dismiss',
  cancel: 'Cancel',
  progress: ({ phase, done, total }: ImportProgress) => {
    if (phase === 'table') return `Reading the table: ${formatBytes(done)} of ${formatBytes(total)}`;
    const doing = phase === 'images' ? 'Looking at pictures' : 'Storing rows';
    return `${doing}: ${done.toLocaleString('en')} of ${total.toLocaleString('en')}`;
  },
  problems: 'Rows that cannot be used',
  problemRow: (row: number) => `row ${row}`,
  problemsMore: (count: number) => `and ${count.toLocaleString('en')} more`,
  name: 'Name of the dataset',
  discard: 'Discard',
  noRows: 'No row can be used yet: match the columns, or look at the problems.',
  noResponse: 'no response',
  kept: (name: string, rows: number) => `“${name}” was stored with ${counted(rows, 'row')}.`,
  keptWithout: (rows: number) =>
    `${counted(rows, 'row')} with a picture that cannot be decoded ${rows === 1 ? 'was' : 'were'} left out:`,
  sets: 'Datasets',
  setsEmpty: `None yet. The built-in world, which needs no files, can be chosen under ${control('questions')} on ${pageName('train')}.`,
  withResponse: (count: number) => `${count.toLocaleString('en')} with a response`,
  browse: 'Look at rows',
  delete: CONTROLS.deleteDataset.label,
  rowsOf: (name: string) => `Rows of “${name}”`,
  close: 'Close',
  row: 'Row',
  rowOf: (rows: number) => `of ${rows.toLocaleString('en')}`,
  previous: 'Previous row',
  next: 'Next row',
  mode: 'Prompt',
  seen: 'As the model sees it',
  seenImage: (name: string, width: number, height: number, tokens: number) =>
    `${name}: resized to ${width} × ${height} pixels, ${counted(tokens, 'image token')}`,
  promptTokens: (count: number) =>
    `Prompt: ${counted(count, 'token')}, the picture’s among them (shown as one).`,
  responseTokens: (count: number) => `Response: ${counted(count, 'token')}.`,
  expected: 'Expected answer',
  response: 'Response',
  others: 'Other columns',
  othersWhy: 'What else the row has: a reward of your own can read it.',
  coldStart: 'Cold start',
  coldStartAbout:
    'A set for SFT out of the model’s own answers, with a look back at the picture put into some of them: from the built-in world, or from a dataset of this page.',
  coldStartLink: 'Build a cold start',
  add: {
    title: 'Add to a dataset',
    several: (count: number) =>
      `A row of a dataset holds one picture, and this answer is about ${count}. Ask about one of them to add it.`,
    dataset: 'Dataset',
    create: 'A new dataset',
    name: 'Its name',
    question: 'Question',
    answer: 'Correct answer',
    answerWhy: 'Correct it if the model was wrong.',
    response: 'Response',
    responseWhy: 'What SFT teaches the model to write. Leave it empty to train by GRPO only.',
    send: 'Add',
    done: (name: string, rows: number) => `Added to “${name}”, which has ${counted(rows, 'row')} now.`,
    close: 'Close',
  },
} as const;

/** `1 row`, `2 rows`, `1,000 rows`. */
export function counted(count: number, thing: string): string {
  return `${count.toLocaleString('en')} ${thing}${count === 1 ? '' : 's'}`;
}

/** How many problems a preview has, those not listed among them. */
export function problemCount(preview: Pick<DatasetPreview, 'problems' | 'moreProblems'>): number {
  return preview.problems.length + preview.moreProblems;
}

/** The words of the button that keeps a preview: consent to what is left out. */
export function keepWords(preview: Pick<DatasetPreview, 'rows' | 'problems' | 'moreProblems'>): string {
  const left = problemCount(preview);
  return left === 0
    ? `Keep ${counted(preview.rows, 'row')}`
    : `Skip ${left.toLocaleString('en')} and keep ${counted(preview.rows, 'row')}`;
}

/** What a preview found, as one sentence. */
export function foundSentence(
  preview: Pick<DatasetPreview, 'rows' | 'withResponse' | 'problems' | 'moreProblems'>,
): string {
  const left = problemCount(preview);
  const bad = left === 0 ? 'no problem' : counted(left, 'problem');
  return `${counted(preview.rows, 'usable row')}, ${DATA_COPY.withResponse(preview.withResponse)}; ${bad}.`;
}

/** Where a dataset that was built here comes from. */
export function originWords({ modelId, from, settings, counts }: DatasetOrigin): string {
  const { examples = 0, lookingBack = 0, problems = 0 } = counts;
  return `Cold start of ${modelId}: ${counted(problems, 'question')} from ${from === null ? 'the built-in world' : `“${from}”`}, ${settings.rollouts} answers each; ${lookingBack} of ${examples} examples look back (${settings.position}, written by ${typeof settings.writer === 'string' ? `the model with “${settings.writer}”` : settings.insert}), seed ${settings.seed}.`;
}
