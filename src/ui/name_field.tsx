// Draws a field for a name that somebody else gave, such as a repository's or a revision's: nothing is corrected,
// capitalised or remembered while it is typed.

import type { Signal } from '@preact/signals';

interface NameFieldProps {
  readonly label: string;
  /** What stands in the field, as typed. */
  readonly text: Signal<string>;
  readonly placeholder?: string;
  /** Id of the element that says what belongs here. */
  readonly describedBy?: string;
}

/** The field with its label. */
export function NameField({ label, text, placeholder, describedBy }: NameFieldProps) {
  return (
    <label class="field">
      {label}
      <input
        value={text.value}
        placeholder={placeholder}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        aria-describedby={describedBy}
        onInput={(event) => {
          text.value = event.currentTarget.value;
        }}
      />
    </label>
  );
}
