// Where the focus goes when the element that has it is removed: never to the body.
import { afterEach, describe, expect, it } from 'vitest';
import { keepFocus } from '../../src/ui/keep_focus';

let stop: () => void = () => undefined;

function page(html: string): HTMLElement {
  stop();
  const root = document.createElement('div');
  root.innerHTML = html;
  document.body.replaceChildren(root);
  stop = keepFocus(root);
  return root;
}

const find = (selector: string) => document.querySelector<HTMLElement>(selector) as HTMLElement;
const settled = () => new Promise((done) => setTimeout(done));
const focused = () => document.activeElement?.id ?? '';

const LIST = `<section><h3 id="title">Adapters</h3><ul>
<li id="a"><button id="a1">x</button><button id="a2">x</button></li><li id="b"><button id="b1">x</button></li>
</ul></section>`;

afterEach(() => stop());

describe('keepFocus', () => {
  it('goes to the next row, to the one before the last, and then to the heading', async () => {
    page(LIST.replaceAll('\n', ''));
    find('#a2').focus();
    find('#a').remove();
    await settled();
    expect(focused()).toBe('b1');
    page(LIST.replaceAll('\n', ''));
    find('#b1').focus();
    find('#b').remove();
    await settled();
    expect(focused()).toBe('a1');
    find('#a').remove();
    await settled();
    expect(focused()).toBe('title');
  });

  it('goes to what took the place of what went', async () => {
    page('<h2 id="title">Heads</h2><div id="place"><button id="fetch">Fetch</button></div>');
    find('#fetch').focus();
    const busy = document.createElement('p');
    busy.innerHTML = 'Busy <button id="cancel">Cancel</button>';
    find('#place').append(busy);
    find('#fetch').remove();
    await settled();
    expect(focused()).toBe('cancel');
  });

  it('leaves the focus to whoever moved it, and the body to whoever pressed beside everything', async () => {
    page(LIST);
    find('#a1').focus();
    find('#a').remove();
    find('#b1').focus();
    await settled();
    expect(focused()).toBe('b1');
    page(LIST);
    find('#a1').focus();
    find('#a1').blur();
    await settled();
    find('#a').remove();
    await settled();
    expect(document.activeElement).toBe(document.body);
  });

  it('finds no place in what went along', async () => {
    const root = page(`<main><h1 id="top">Page</h1><div id="part">${LIST}</div></main>`);
    find('#a1').focus();
    find('#part').remove();
    await settled();
    expect([focused(), root.isConnected]).toEqual(['top', true]);
  });

  it('comes back to a control that was disabled while it worked, unless it went elsewhere', async () => {
    page('<button id="go">Pause</button><button id="other">x</button>');
    const go = find('#go') as HTMLButtonElement;
    const work = async (between: () => void) => {
      go.focus();
      // A browser takes the focus from a control that is disabled; here it cannot be taken from one that is.
      go.blur();
      go.disabled = true;
      await settled();
      between();
      go.disabled = false;
      await settled();
      return focused();
    };
    expect(await work(() => undefined)).toBe('go');
    expect(await work(() => find('#other').focus())).toBe('other');
    const beside = new PointerEvent('pointerdown', { bubbles: true });
    expect(await work(() => find('#other').dispatchEvent(beside))).toBe('');
  });
});
