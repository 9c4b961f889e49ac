// The files of a cold start's data set as other trainers read them.
import { describe, expect, it } from 'vitest';
import { datasetFiles, pictureName } from '../../../src/lookback/cold_start/example_files';

const ROW = {
  ...{ id: 'p/1', question: 'How many?', answer: '3', response: '<think> 3 </think> \\boxed{3}' },
  ...{ kind: null, reflects: false, baseAccuracy: 0.5, wrongFirst: false, writer: null },
};

describe('datasetFiles', () => {
  it('names the picture for imagefolder, TRL and LLaMA-Factory alike', () => {
    const files = datasetFiles([{ ...ROW, image: 'images/a.png' }]);
    expect(JSON.parse(files['metadata.jsonl'])).toEqual({
      ...{ file_name: 'images/a.png', ...ROW },
      messages: [
        { role: 'user', content: '<image>How many?' },
        { role: 'assistant', content: ROW.response },
      ],
      images: ['images/a.png'],
    });
    const told = datasetFiles([{ ...ROW, system: 'Be brief.', image: 'images/a.png' }]);
    expect(JSON.parse(told['metadata.jsonl'])).toMatchObject({
      system: 'Be brief.',
      messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user' }, { role: 'assistant' }],
    });
    expect(JSON.parse(files['dataset_info.json']).look_back_cold_start).toMatchObject({
      file_name: 'metadata.jsonl',
      formatting: 'sharegpt',
      columns: { messages: 'messages', images: 'images' },
    });
  });
});

describe('pictureName', () => {
  it.each([
    ['train-0-1', 'image/png', 'images/train-0-1.png'],
    ['row/1', 'image/jpeg', 'images/row_1.jpg'],
    ['a', '', 'images/a.bin'],
  ])('%s of %s', (id, type, name) => expect(pictureName(id, type)).toBe(name));
});
