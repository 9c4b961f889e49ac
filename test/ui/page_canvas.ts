// Gives the document a canvas that takes every call and draws nothing, for components with charts: there is none here.
import { vi } from 'vitest';

/** Call before anything is rendered. */
export function drawNothing(): void {
  const context = new Proxy(
    {},
    { get: (_, name) => (name === 'measureText' ? () => ({ width: 1 }) : () => undefined), set: () => true },
  );
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(context as never);
  vi.stubGlobal(
    'Path2D',
    class {
      addPath = () => undefined;
      arc = () => undefined;
      lineTo = () => undefined;
      moveTo = () => undefined;
      rect = () => undefined;
    },
  );
}
