// Chats of several rounds.
import { describe, expect, it } from 'vitest';
import { splitRounds } from '../../../src/data/dataset/chat_rounds';

const CHAT = { question: 'conversations', answer: null, response: 'conversations' };
const human = (value: string) => ({ from: 'human', value });
const gpt = (value: string) => ({ from: 'gpt', value });

describe('splitRounds', () => {
  it('makes a row of each question and its answer, with what the system says before all of them', () => {
    const chat = [
      { from: 'system', value: 's' },
      human('<image>\nWhat?'),
      gpt('A cat'),
      human('Where?'),
      gpt('Here'),
    ];
    const rows = splitRounds(
      new Map<string, unknown>([
        ['image', 'a.png'],
        ['conversations', chat],
      ]),
      CHAT,
    );
    expect(rows.map((row) => [row.get('image'), row.get('conversations')])).toEqual([
      ['a.png', [chat[0], human('<image>\nWhat?'), gpt('A cat')]],
      ['a.png', [chat[0], human('Where?'), gpt('Here')]],
    ]);
  });

  it('gives pictures of the first question to every round', () => {
    const part = { type: 'image', image: 'a.png' };
    const user = (content: unknown) => ({ role: 'user', content });
    const chat = [
      user([part, { type: 'text', text: 'What?' }]),
      user('Where?'),
      { role: 'assistant', content: 'b' },
    ];
    const [, second] = splitRounds(new Map([['conversations', chat]]), CHAT);
    expect(second?.get('conversations')).toEqual([
      user([part, { type: 'text', text: 'Where?' }]),
      { role: 'assistant', content: 'b' },
    ]);
  });

  it('leaves one round, other values, and rows with an answer of their own', () => {
    const one = new Map([['conversations', [human('a'), gpt('b')]]]);
    expect(splitRounds(one, CHAT)).toEqual([one]);
    const two = new Map([['conversations', [human('a'), gpt('b'), human('c'), gpt('d')]]]);
    expect(splitRounds(two, { ...CHAT, answer: 'answer' })).toEqual([two]);
    expect(splitRounds(two, { ...CHAT, response: null })).toEqual([two]);
    const text = new Map([['conversations', 'x']]);
    expect(splitRounds(text, CHAT)).toEqual([text]);
  });
});
