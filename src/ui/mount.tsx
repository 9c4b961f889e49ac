// Mounts the page over an engine: the one place of the page's half that constructs things.
// Not the choice of engine, which the caller makes: the real Worker (main.tsx) or a scripted one while developing.
// Invariant: the first render does not wait for the engine.

// First, so that the order of the cascade layers is set before any component's styles.
import './styles/layers.css';
import './styles/tokens.css';
import './styles/base.css';
import { render } from 'preact';
import { defined } from '../lib/invariant';
import { createLook } from '../state/look';
import { createEngineClient, type EngineEndpoint } from '../worker/client';
import { App } from './app';
import { decodePicture } from './picture_source';
import { startTheme } from './theme';

/** Renders the page into `#app` and starts the engine that `spawn` makes. */
export function mount(spawn: () => EngineEndpoint): void {
  startTheme();
  const look = createLook(createEngineClient(spawn), {
    now: () => performance.now(),
    decode: decodePicture,
  });
  render(<App look={look} />, defined(document.getElementById('app'), '#app'));
  void look.start();
}
