// The address follows what the Look page is set to, and never takes back the address of a link that was just followed.
import { afterEach, expect, it, vi } from 'vitest';
import { followAddress } from '../../../src/ui/look/address';
import { route } from '../../../src/ui/route';
import { shelf } from '../page_state';

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  location.hash = '';
});

async function followed() {
  vi.stubGlobal('fetch', async () => new Response('[]'));
  const { look } = await shelf();
  location.hash = '#/look';
  route.value = 'look';
  vi.useFakeTimers();
  await followAddress(look);
  return look;
}

it('holds the question after a rest', async () => {
  const look = await followed();
  look.setQuestion('How many?');
  vi.advanceTimersByTime(1000);
  expect(location.hash).toBe('#/look?question=How%20many%3F');
});

it('leaves the address of another page as it is, also before that page is shown', async () => {
  const look = await followed();
  look.setQuestion('How many?');
  location.hash = '#/models';
  expect(route.value).toBe('look');
  vi.advanceTimersByTime(1000);
  expect(location.hash).toBe('#/models');
});
