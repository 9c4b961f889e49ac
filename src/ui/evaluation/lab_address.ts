// Reads what of the Lab an address names: an evaluation, the results of an experiment, or the questions behind one of its
// numbers. Everything in the address is untrusted and only ever compared with what is there.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

/** What an address names. */
export type LabAddress =
  | { readonly page: 'first' }
  | { readonly page: 'evaluation'; readonly id: string }
  | { readonly page: 'results'; readonly name: string }
  | {
      readonly page: 'questions';
      readonly name: string;
      readonly set: string;
      /** One arm, or two of which the second is held against the first. */
      readonly arms: readonly [first: string, second?: string];
    };

/** `#/lab/evaluation/ID`, `#/lab/results/NAME`, `#/lab/results/NAME/SET/ARM`, `…/FIRST/SECOND`; all else is the first page. */
export function labAddress(hash: string): LabAddress {
  const [kind, name, set, first, second, ...more] = hash.replace(/^#\/lab\/?/, '').split('/');
  const words = [name, set, first, second].filter((word) => word !== undefined);
  const known = hash.startsWith('#/lab') && more.length === 0 && words.every((word) => /^[\w-]+$/.test(word));
  if (!known || name === undefined) return { page: 'first' };
  if (kind === 'evaluation' && set === undefined) return { page: 'evaluation', id: name };
  if (kind !== 'results') return { page: 'first' };
  if (set === undefined || first === undefined) return { page: 'results', name };
  return { page: 'questions', name, set, arms: second === undefined ? [first] : [first, second] };
}

/** The address of the questions behind a number. */
export function questionsAddress(name: string, set: string, arms: readonly string[]): string {
  return `#/lab/results/${[name, set, ...arms].join('/')}`;
}

/** The address as it is now, and from now on. */
export function useLabAddress(): LabAddress {
  const hash = useSignal(location.hash);
  useEffect(() => {
    const follow = () => {
      hash.value = location.hash;
    };
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, [hash]);
  return labAddress(hash.value);
}
