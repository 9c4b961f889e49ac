// Which addresses models may come from.
import { expect, it } from 'vitest';
import { DEFAULT_HUB, hubAddress } from '../../src/lib/hub_address';

it('takes https anywhere and http on this computer', () => {
  expect(hubAddress(' https://huggingface.co ').href).toBe('https://huggingface.co/');
  expect(hubAddress('http://localhost:8080/mirror?x=1#y').href).toBe('http://localhost:8080/mirror/');
  expect(hubAddress('http://127.0.0.1:1/').href).toBe('http://127.0.0.1:1/');
});

it.each(['', 'huggingface.co', 'http://huggingface.co', 'file:///models', 'https://me:secret@hub.example'])(
  'refuses %s',
  (address) => {
    expect(() => hubAddress(address)).toThrow(expect.objectContaining({ code: 'model/hub-address' }));
  },
);

it('is the Hugging Face hub where nobody says otherwise', () => {
  expect(hubAddress(DEFAULT_HUB).href).toBe(DEFAULT_HUB);
});
