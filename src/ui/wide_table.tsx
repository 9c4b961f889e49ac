// Lets a table that is wider than its place scroll on its own, by the keyboard, too.

import type { ComponentChildren } from 'preact';

/** A region of its own, named after what the table shows. */
export function WideTable({
  label,
  children,
}: {
  readonly label: string;
  readonly children: ComponentChildren;
}) {
  return (
    <section
      class="wide-table"
      aria-label={`${label}: table`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
      tabIndex={0}
    >
      {children}
    </section>
  );
}
