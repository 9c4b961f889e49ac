// Draws a field for a number that is typed as text, because a browser's own number field reads `0,001` as 1 in some
// languages. What was typed stays while it is no number; the state then holds NaN and marks the field.

import { useSignal } from '@preact/signals';
import { parseNumber } from '../settings/setting';

interface NumberInputProps {
  readonly id: string;
  readonly name?: string;
  readonly 'data-field'?: string;
  readonly 'aria-describedby': string;
  readonly 'aria-invalid': boolean;
  /** NaN while the field holds no number; null while it is empty and may be. */
  readonly number: number | null;
  readonly whole: boolean;
  /** What an empty field stands for; absent where it must not be empty. */
  readonly emptyMeans?: string;
  readonly set: (value: number | null) => void;
}

/** A labelled field's control for a number. */
export function NumberInput({ number, whole, emptyMeans, set, ...passed }: NumberInputProps) {
  const typed = useSignal('');
  const shown = number === null ? '' : Number.isNaN(number) ? typed.value : String(number);
  return (
    <input
      {...passed}
      type="text"
      inputMode={whole ? 'numeric' : 'decimal'}
      autocomplete="off"
      spellcheck={false}
      placeholder={emptyMeans ?? ''}
      value={shown}
      onChange={(event) => {
        const text = event.currentTarget.value;
        typed.value = text;
        const read =
          text.trim() === '' && emptyMeans !== undefined ? null : (parseNumber(text) ?? Number.NaN);
        set(read);
        // The same number in other digits: the field shows it as it holds.
        if (read !== null && !Number.isNaN(read)) event.currentTarget.value = String(read);
      }}
    />
  );
}
