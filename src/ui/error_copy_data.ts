// Words the errors of what people bring along: pictures, saved answers, datasets, conversations, cold starts.

import type { ErrorCodeOf } from '../lib/error_codes';
import { pageName } from './controls';
import { copy, type ErrorWords, said } from './error_words';

/** Words for the codes `data/…`. */
export const DATA_ERRORS: ErrorWords<ErrorCodeOf<'data'>> = {
  'data/image': said('This file cannot be read as a picture', ['PNG, JPEG, WebP, GIF and BMP files work.']),
  'data/image-size': said('This picture is too large', [
    'Scale it down first. The model looks at far fewer pixels anyway.',
  ]),
  'data/image-aspect': said('This picture is too long and thin', [
    'Crop it so that one side is at most 200 times the other.',
  ]),
  'data/image-tokens': said('The pictures of a conversation do not match its text', [
    'Name as many pictures in the text as there are pictures.',
  ]),
  'data/picture-count': said('Not as many pictures as that', [
    'Take some away, or choose a model that reads several.',
  ]),
  'data/prompt-length': said('This question is too long', ['Shorten the question.']),
  'data/camera': said('The camera cannot be used', [
    'Allow the camera for this page in the browser’s settings, or close the program that uses it, and try again. A picture can also be chosen, dropped or pasted.',
  ]),
  'data/trace': said('This is no saved answer that can be played', [
    'Save or share the answer again where it was given, and open the file or the link as it is.',
  ]),
  'data/files': said('These files cannot be taken', ['Choose files of the kinds that are named.']),
  'data/zip': said('This zip cannot be read', [
    'Pack its files again, without a password and without links; or choose the files themselves.',
  ]),
  'data/dataset': said('This cannot be used as a dataset', [
    'A table as JSON lines with image, question and answer, and the pictures that it names, will do.',
  ]),
  'data/dataset-empty': said(
    'This dataset has nothing to learn from',
    ['Add rows that have a picture, a question and an answer.'],
    'open-data',
  ),
  'data/dataset-read': said('A file of the dataset could not be read', [
    'It may have been moved, changed or taken away since it was chosen: choose the files again.',
  ]),
  'data/dataset-size': said('This dataset is larger than can be taken', [
    'Split it, leave files out, or scale its pictures down.',
  ]),
  'data/dataset-table': said('The table of this dataset cannot be understood', [
    'A table has one row per question, with columns image, question and answer: JSONL, JSON, CSV, TSV or Parquet.',
  ]),
  'data/row': said('A row of the dataset cannot be used', ['Mend or leave out the row that is named.']),
  'data/messages': said('This conversation cannot be used', [
    'End it with the assistant’s answer, and write it in the model’s own form.',
  ]),
  'data/model': said('No model is loaded', ['Load one first: what is shown depends on it.'], 'open-models'),
  'data/preview': said('What was previewed is gone', ['Choose the files again.']),
  'data/cold-start': said('The cold start cannot go on', [
    `Begin one on ${pageName('data')}, or load the model that it was begun with.`,
  ]),
  'data/evaluation': said(
    'The evaluation cannot go on',
    ['Load the model that it was begun with.'],
    'open-models',
  ),
  'data/cancelled': () =>
    copy('The import was cancelled', 'Nothing was kept.', ['Choose the files again when you want.'], 'none'),
};
