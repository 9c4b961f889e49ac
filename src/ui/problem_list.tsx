// Draws a list of problems or warnings about rows of a dataset, each with its file, row and reason, in a box that scrolls
// when the list is long.

import type { ComponentChildren } from 'preact';
import type { DatasetProblem } from '../worker/protocol/library';
import { DATA_COPY } from './data/data_copy';
import { Icon } from './icons';

function problemKey({ file, row, reason }: DatasetProblem, i: number): string {
  return `${file}:${row ?? ''}:${i}:${reason}`;
}

/** Problems or warnings as items of a list; `more` says how many others there are. */
export function ProblemItems({
  problems,
  more = 0,
}: {
  readonly problems: readonly DatasetProblem[];
  readonly more?: number;
}) {
  return (
    <>
      <ol>
        {problems.map((problem, i) => (
          <li key={problemKey(problem, i)} data-testid="data-problem">
            <span class="mono">{problem.file}</span>
            {problem.row !== null && <>, {DATA_COPY.problemRow(problem.row)}</>}: {problem.reason}
          </li>
        ))}
      </ol>
      {more > 0 && <p>{DATA_COPY.problemsMore(more)}</p>}
    </>
  );
}

/** The box around such lists, with its title; `id` is that of the title. */
export function ProblemBox({
  id,
  title,
  icon,
  testId,
  children,
}: {
  readonly id: string;
  readonly title: string;
  readonly icon: 'info' | 'warning';
  readonly testId: string;
  readonly children: ComponentChildren;
}) {
  return (
    <section
      class="problems"
      aria-labelledby={id}
      data-testid={testId}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
      tabIndex={0}
    >
      <h4 id={id}>
        <Icon name={icon} /> {title}
      </h4>
      {children}
    </section>
  );
}
