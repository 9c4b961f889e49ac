// Addresses in errors: those of web pages become links, and nothing else does.
import { expect, it } from 'vitest';
import { hubPageLink } from '../../src/ui/hub_help';

const linkOf = (page: unknown) => hubPageLink({ code: 'model/hub-gated', message: '', data: { page } }).link;

it('links to pages over http and https', () => {
  expect(linkOf('https://huggingface.co/org/model')?.href).toBe('https://huggingface.co/org/model');
  expect(linkOf('http://localhost:8080/org/model')?.href).toBe('http://localhost:8080/org/model');
});

it.each([['javascript:alert(1)'], ['data:text/html,x'], ['org/model'], [5], [undefined]])(
  'never to %s',
  (page) => {
    expect(linkOf(page)).toBeUndefined();
  },
);
