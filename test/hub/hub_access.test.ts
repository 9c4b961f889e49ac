// A token never leaves with another address.
import { expect, it } from 'vitest';
import { HubAccess } from '../../src/hub/hub_access';
import { HubClient } from '../../src/hub/hub_client';

it('gives a token to the address that it was given for, and to no other', async () => {
  const sent: string[] = [];
  const access = new HubAccess(
    (endpoint) =>
      new HubClient({
        endpoint,
        fetch: async (url, { headers }) => {
          sent.push(`${url.host} ${new Headers(headers).get('authorization')}`);
          return new Response('{}', { status: 404 });
        },
        sleep: async () => undefined,
        random: () => 0,
      }),
  );
  const ask = () =>
    access.client.listing('a/b', 'main', new AbortController().signal).catch(({ code }) => code as string);
  access.use({ address: 'https://one.example', token: ' secret ' });
  expect(await ask()).toBe('model/hub-missing');
  access.use({ address: 'https://two.example', token: '' });
  await ask();
  expect(sent).toEqual(['one.example Bearer secret', 'two.example null']);
  expect(() => access.use({ address: 'https://two.example', token: 'two words' })).toThrow(
    expect.objectContaining({ code: 'model/hub-token' }),
  );
});
