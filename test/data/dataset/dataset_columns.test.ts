// Which column is what, and what each form of row means.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guessColumns, readRow } from '../../../src/data/dataset/dataset_columns';
import { IMPORT_LIMITS } from '../../../src/data/dataset/import_limits';

const read = (row: Record<string, unknown>, mapping = guessColumns(Object.keys(row))) =>
  readRow(new Map(Object.entries(row)), mapping, IMPORT_LIMITS);

const path = (name: string) => ({ kind: 'path', absolute: false, path: name });

describe('guessColumns', () => {
  it.each<[string[], (string | null)[]]>([
    [
      ['image', 'question', 'answer', 'response'],
      ['image', 'question', 'answer', 'response'],
    ],
    [
      ['id', 'Image Path', 'Query', 'GT'],
      ['Image Path', 'Query', 'GT', null],
    ],
    [
      ['images', 'problem', 'solution'],
      ['images', 'problem', 'solution', null],
    ],
    [
      ['img', 'prompt', 'ground-truth', 'chain'],
      ['img', 'prompt', 'ground-truth', 'chain'],
    ],
    [
      ['id', 'image', 'conversations'],
      ['image', 'conversations', null, 'conversations'],
    ],
    [['messages'], ['messages', 'messages', null, 'messages']],
    [
      ['messages', 'images', 'answer'],
      ['images', 'messages', 'answer', 'messages'],
    ],
    [
      ['answer', 'label'],
      [null, null, 'answer', null],
    ],
    [
      ['__proto__', 'constructor'],
      [null, null, null, null],
    ],
    [[], [null, null, null, null]],
  ])('%j', (columns, expected) => {
    const { image, question, answer, response } = guessColumns(columns);
    expect([image, question, answer, response]).toEqual(expected);
  });
});

/** What a plain row has none of. */
const NONE = {
  ...{ kind: null, id: null, boxed: null, options: null, counted: null },
  ...{ columns: {}, leftOut: [], system: null },
};

describe('readRow', () => {
  const base = { image: 'a.png', question: 'How many?', answer: '3' };

  it('reads texts, numbers and a written response', () => {
    const plain = { image: path('a.png'), question: 'How many?', answer: '3', response: null, ...NONE };
    expect(read(base)).toEqual(plain);
    expect(read({ ...base, kind: 'count' })).toEqual({ ...plain, kind: 'count', columns: { kind: 'count' } });
    expect(read({ ...base, kind: 3 })).toEqual({ ...plain, columns: { kind: 3 } });
    expect(read({ ...base, image: 'b/../../a.png' })).toMatchObject({ image: path('../a.png') });
    expect(read({ ...base, answer: 3 })).toEqual(plain);
    expect(read({ ...base, image: ['.\\a.png'], question: '<image>\nHow many? ' })).toEqual(plain);
    expect(read({ ...base, response: ' because ' })).toEqual({ ...plain, response: 'because' });
    expect(read({ ...base, response: '  ' })).toEqual(plain);
  });

  it('keeps the columns that have no other use', () => {
    const others = { level: 3, tags: ['a', { b: null }], A: 'x', B: 'y' };
    const options = {
      image: 'image',
      question: 'question',
      answer: 'answer',
      response: null,
      system: null,
      options: ['A', 'B'],
    };
    expect(
      readRow(new Map(Object.entries({ ...base, ...others, answer: 'y' })), options, IMPORT_LIMITS),
    ).toMatchObject({
      answer: 'B',
      columns: { level: 3, tags: ['a', { b: null }] },
      leftOut: [],
    });
    const mask = new Uint8Array(2);
    expect(read({ ...base, mask, level: 3 })).toMatchObject({
      columns: { level: 3 },
      leftOut: [{ name: 'mask' }],
    });
  });

  it('takes the answer from a box, of the response where there is no other', () => {
    const response = '<think> x </think> \\boxed{ 1 } or \\boxed{\\frac{1}{2}}';
    expect(read({ ...base, answer: null, response })).toMatchObject({ answer: '\\frac{1}{2}', response });
    expect(read({ ...base, answer: '7', response })).toMatchObject({ answer: '7' });
    expect(read({ ...base, answer: 'so \\boxed{9}' })).toMatchObject({ answer: '9', response: null });
    expect(read({ ...base, answer: '<answer> red </answer>' })).toMatchObject({ answer: 'red' });
  });

  it('takes the answer from worked solutions, votes, lists, and short responses', () => {
    const solution = 'Natalia sold 48/2 = 24 clips in May.\nShe sold 48+24 = 72 clips.\n#### 72';
    expect(read({ ...base, answer: solution })).toMatchObject({ answer: '72' });
    const { answer: _, ...unanswered } = base;
    expect(read({ ...unanswered, solution })).toMatchObject({ answer: '72' });
    expect(read({ ...base, answer: 'So the final answer is 12.' })).toMatchObject({ answer: '12' });
    expect(read({ ...unanswered, answers: ['b', 'a', 'b'] })).toMatchObject({ answer: 'b' });
    expect(read({ ...base, answer: ['a', 'b'] })).toMatchObject({ answer: '["a","b"]' });
    expect(read({ ...base, answer: [3, 'three', ' '] })).toMatchObject({ answer: '["3","three"]' });
    expect(read({ ...base, answer: '[ "3", "a red hat" ]' })).toMatchObject({ answer: '["3","a red hat"]' });
    expect(read({ ...base, answer: '[3, 4]' })).toMatchObject({ answer: '[3, 4]' });
    expect(read({ ...base, choices: ['x', 'y'], answer: ['x', 'y'] })).toMatchObject({ answer: 'A' });
    expect(read({ ...base, answer: [{ answer: 'cat' }] })).toMatchObject({ answer: 'cat' });
    const conversations = [
      { from: 'human', value: '<image>\nWhat colour?' },
      { from: 'gpt', value: 'Red' },
    ];
    expect(read({ image: 'a.png', conversations })).toMatchObject({ answer: 'Red', response: 'Red' });
  });

  it('keeps options in the question and maps the answer to its letter', () => {
    const question = 'Which?\n\nOptions: A. red; B. blue\nYour final answer must be one of A or B.';
    const options = ['red', 'blue'];
    const expected = { question, answer: 'B', options, counted: null };
    const asked = { image: 'a.png', question: 'Which?' };
    expect(read({ ...asked, choices: options, answer: 'blue' })).toMatchObject(expected);
    expect(read({ ...asked, options: "['red', 'blue']", answer: 'B' })).toMatchObject(expected);
    expect(read({ ...asked, A: 'red', B: 'blue', C: '', D: '', answer: '(B)' })).toMatchObject(expected);
    expect(read({ ...asked, choices: options, answer: 1 })).toMatchObject({
      ...expected,
      answer: '1',
      counted: 1,
    });
    expect(read({ ...asked, choices: [], answer: 'blue' })).toMatchObject({
      question: 'Which?',
      options: null,
    });
    expect(read({ ...asked, choices: options, answer: 'green' })).toHaveProperty('reason');
    expect(read({ ...asked, choices: 'red, blue', answer: 'red' })).toHaveProperty('reason');
  });

  it('reads LLaVA conversations', () => {
    const conversations = [
      { from: 'human', value: 'What is it?\n<image>' },
      { from: 'gpt', value: 'A cat. \\boxed{cat}' },
    ];
    expect(read({ id: 1, image: 'x/c.jpg', conversations })).toEqual({
      image: path('x/c.jpg'),
      question: 'What is it?',
      answer: 'cat',
      response: 'A cat. \\boxed{cat}',
      ...{ ...NONE, boxed: 'cat', id: '1', columns: { id: 1 } },
    });
  });

  it('reads messages with parts, pictures in them or beside them', () => {
    const answer = { role: 'assistant', content: [{ type: 'text', text: '\\boxed{b}' }] };
    const ask = (...parts: unknown[]) => [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: [...parts, { type: 'text', text: 'Which?' }] },
      answer,
    ];
    const expected = {
      image: path('a.png'),
      question: 'Which?',
      answer: 'b',
      response: '\\boxed{b}',
      ...{ ...NONE, boxed: 'b', system: 'Be brief.' },
    };
    expect(read({ messages: ask({ type: 'image', image: 'a.png' }) })).toEqual(expected);
    expect(read({ messages: ask({ type: 'image_url', image_url: { url: 'a.png' } }) })).toEqual(expected);
    expect(read({ messages: ask({ type: 'image' }), images: ['a.png'] })).toEqual(expected);
    const split = { prompt: ask().slice(0, 2), completion: [answer], image: 'a.png' };
    expect(read(split)).toEqual(expected);
  });

  it('reads a system text from its column, or from the turn before the question', () => {
    expect(read({ ...base, system: ' Be brief. ' })).toMatchObject({ system: 'Be brief.', columns: {} });
    expect(read({ ...base, system_prompt: ' ' })).toMatchObject({ system: null });
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Which?' },
    ];
    const chat = { image: 'a.png', answer: '3', messages };
    expect(read(chat)).toMatchObject({ system: 'Be brief.', question: 'Which?' });
    // A column for some rows only leaves the turn to the others.
    for (const system of [null, 'Be brief.\n'])
      expect(read({ ...chat, system })).toMatchObject({ system: 'Be brief.' });
    expect(read({ ...chat, system: 'Be long.' })).toMatchObject({
      reason: 'has one system text in system and another as a turn: leave one out',
    });
    expect(read({ ...base, system: 3 })).toMatchObject({ reason: 'system must be a text' });
    for (const row of [
      { ...base, system: 'x'.repeat(50_001) },
      { ...chat, messages: [{ role: 'system', content: 'x'.repeat(50_001) }, messages[1]] },
    ])
      expect(read(row)).toMatchObject({ reason: expect.stringMatching(/system.* has 50001 characters/) });
  });

  it('reads inline pictures', () => {
    const url = 'data:image/png;base64,AAAA';
    const inline = { kind: 'inline', data: 'AAAA', name: null };
    expect(read({ ...base, image: url })).toMatchObject({ image: inline });
    expect(read({ ...base, image: [url] })).toMatchObject({ image: inline });
    const bytes = { bytes: 'AAAA', path: 'x/y.png' };
    expect(read({ ...base, image: bytes })).toMatchObject({ image: { ...inline, name: 'y.png' } });
    expect(read({ ...base, image: { bytes: null, path: 'y.png' } })).toMatchObject({ image: path('y.png') });
    const bare = `iVBORw0KGgo${'A'.repeat(80)}`;
    expect(read({ ...base, image: bare })).toMatchObject({ image: { ...inline, data: bare } });
  });

  it('follows a given mapping, also to a name of every object', () => {
    const none = { response: null, system: null, options: [] };
    const mapping = { image: 'constructor', question: 'q', answer: '__proto__', ...none };
    const values = new Map([
      ['constructor', 'a.png'],
      ['q', 'Q'],
      ['__proto__', 'A'],
    ]);
    expect(readRow(values, mapping, IMPORT_LIMITS)).toMatchObject({ image: path('a.png'), answer: 'A' });
    expect(readRow(new Map(), mapping, IMPORT_LIMITS)).toEqual({ reason: 'has no picture' });
  });

  const user = (value: string) => ({ from: 'human', value });
  it.each<[string, Record<string, unknown>, string]>([
    ['no picture', { ...base, image: undefined }, 'has no picture'],
    ['no pictures', { ...base, image: [] }, 'has no picture'],
    ['two pictures', { ...base, image: ['a', 'b'] }, 'has 2 pictures; one picture per question'],
    ['nested lists', { ...base, image: [['a']] }, 'image must be a path'],
    ['a number', { ...base, image: 7 }, 'image must be a path'],
    ['a folder', { ...base, image: 'a/..' }, 'is a folder'],
    ['NUL', { ...base, image: 'a\0.png' }, 'NUL'],
    ['network', { ...base, image: 'https://x/a.png' }, 'is on the network'],
    ['a data URL of text', { ...base, image: 'data:text/plain;base64,AAAA' }, 'must be data:image'],
    ['a data URL without base64', { ...base, image: 'data:image/svg+xml,<svg/>' }, 'must be data:image'],
    ['an object', { ...base, image: { uri: 'a' } }, '{bytes, path}'],
    ['no question', { ...base, question: ' ' }, 'has no question'],
    ['only a placeholder', { ...base, question: '<image>' }, 'has no question'],
    ['two placeholders', { ...base, question: '<image> or <image>?' }, 'asks about 2 pictures'],
    ['question object', { ...base, question: {} }, 'question must be a text'],
    ['long question', { ...base, question: 'x'.repeat(50_001) }, '50001 characters'],
    ['no answer', { ...base, answer: '' }, 'has no answer'],
    ['answer object', { ...base, answer: { a: 1 } }, 'answer must be a text or a number'],
    ['answer list of objects', { ...base, answer: [{ a: 1 }] }, 'answers must be texts or numbers'],
    ['an empty list of answers', { ...base, answer: [] }, 'has no answer'],
    [
      'prose',
      { ...base, answer: 'We count the squares first. Then we add them up and are done.' },
      'prose without',
    ],
    [
      'a response of prose',
      { ...base, answer: null, response: 'We look at it closely. Then we decide.' },
      'its response no \\boxed{}',
    ],
    ['empty box', { ...base, answer: null, response: '\\boxed{ }' }, 'its response no \\boxed{}'],
    ['response number', { ...base, response: 3 }, 'response must be a text'],
    ['two rounds', { image: 'a', conversations: [user('a'), user('b')] }, 'has 2 rounds'],
    [
      'strange role',
      { image: 'a', messages: [{ role: 'tool', content: 'x' }] },
      'neither user nor assistant',
    ],
    ['inherited role', { image: 'a', messages: [{ role: 'toString', content: 'x' }] }, 'neither user nor'],
    ['no content', { image: 'a', messages: [{ role: 'user' }] }, 'turn without text'],
    ['video', { image: 'a', messages: [{ role: 'user', content: [{ type: 'video' }] }] }, 'neither text nor'],
    ['turn of null', { image: 'a', messages: [user('q'), null] }, 'must be a list of turns'],
    ['endless chat', { image: 'a', messages: Array(2000).fill(user('q')) }, '2000 turns'],
  ])('refuses %s', (_, row, reason) => {
    const result = read(row);
    expect('reason' in result ? result.reason : result).toContain(reason);
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), fc.json({ maxDepth: 4 }), (a, b) => {
        const result = read({
          ...base,
          image: JSON.parse(a),
          messages: JSON.parse(b),
          question: JSON.parse(b),
        });
        expect('reason' in result || result.answer === '3').toBe(true);
      }),
    );
  });
});
