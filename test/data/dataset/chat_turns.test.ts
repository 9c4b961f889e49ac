// Chats of one round: who says what, and where pictures and system texts stand.
import { describe, expect, it } from 'vitest';
import { isChat, readChat } from '../../../src/data/dataset/chat_turns';

const turn = (role: string, content: unknown) => ({ role, content });

describe('readChat', () => {
  it('reads who says what, parts of a turn line by line', () => {
    const parts = [
      { type: 'text', text: 'Which' },
      { type: 'image', image: 'a.png' },
      { type: 'text', text: 'one?' },
    ];
    expect(readChat([turn('user', parts), turn('assistant', 'b')], 'chat')).toEqual({
      ...{ system: null, user: 'Which\none?', assistant: 'b', images: ['a.png'] },
    });
  });

  it('keeps system turns, wherever they stand', () => {
    const chat = [{ from: 'system', value: 'Be brief.' }, turn('user', 'q'), turn('system', 'In French.')];
    expect(readChat(chat, 'chat')).toMatchObject({ system: 'Be brief.\n\nIn French.', assistant: null });
  });

  it('refuses several rounds', () => {
    expect(() => readChat([turn('user', 'a'), turn('user', 'b')], 'chat')).toThrow('chat has 2 rounds');
  });
});

describe('isChat', () => {
  it.each([
    [[turn('user', 'q')], true],
    [[{ from: 'human', value: 'q' }], true],
    [['user'], false],
    [[], false],
    [{ role: 'user' }, false],
    [null, false],
  ])('%j: %s', (value, expected) => expect(isChat(value)).toBe(expected));
});
