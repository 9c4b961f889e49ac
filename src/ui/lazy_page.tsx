// Fetches a part of the page when it is first wanted, and shows it or says why it cannot.

import { useSignal } from '@preact/signals';
import type { ComponentChild } from 'preact';
import { useEffect } from 'preact/hooks';
import type { PlainError } from '../lib/plain_error';
import { COPY } from './copy';
import { Notice } from './notice';

/** Draws a page or dialog that has been fetched. */
export type Draw = () => ComponentChild;

/** Remembers what `load` brought; forgets a failure, so that it can be tried again. */
export function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | null = null;
  return () => {
    loaded ??= load().catch((thrown) => {
      loaded = null;
      throw thrown;
    });
    return loaded;
  };
}

/** The error of a part of the page that could not be fetched. */
export function partError(thrown: unknown): PlainError {
  return { code: 'page/part', message: thrown instanceof Error ? thrown.message : String(thrown) };
}

/** Says that something is on its way and will be shown here: what the engine keeps, or a part of the page itself. */
export function Opening() {
  return (
    <p class="empty" data-testid="opening">
      {COPY.app.opening}
    </p>
  );
}

/** Shows what `load` brings. */
export function LazyPage({ load }: { readonly load: () => Promise<Draw> }) {
  // In an object, as a signal or a setter given a function might call it.
  const page = useSignal<{ readonly draw: Draw } | null>(null);
  const error = useSignal<PlainError | null>(null);
  useEffect(() => {
    load().then(
      (draw) => {
        page.value = { draw };
      },
      (thrown) => {
        error.value = partError(thrown);
      },
    );
  }, [load, page, error]);
  if (error.value !== null) return <Notice error={error.value} />;
  if (page.value === null) return <Opening />;
  return <>{page.value.draw()}</>;
}
