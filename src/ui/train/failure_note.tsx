// Shows what went wrong with a run or a command, in words, with what can be done about it beside it. Text of the
// engine is shown as text; the code is there for a report.

import type { ComponentChildren } from 'preact';
import type { PlainError } from '../../lib/plain_error';
import type { TrainCommand } from '../../state/train_commands';
import { errorCopy } from '../error_copy';
import { Icon } from '../icons';
import { useCommands } from './train_context';
import { TRAIN_COPY } from './train_copy';
import { type TrainErrorCopy, trainErrorCopy } from './train_error_copy';

/** An error with its title and reason; `children` are the actions. */
export function ErrorNote({
  error,
  lead,
  children,
  copy = trainErrorCopy(error),
}: {
  readonly error: PlainError;
  readonly lead?: string;
  readonly children?: ComponentChildren;
  /** Its words, where they are not those of a run. */
  readonly copy?: TrainErrorCopy;
}) {
  const { title, why, steps = [] } = copy;
  return (
    <div class="notice compact" role="alert" data-code={error.code}>
      <Icon name="warning" />
      <div>
        <h3>{lead === undefined ? title : `${lead}: ${title}`}</h3>
        <p>{why}</p>
        {steps.length > 0 && (
          <ul>
            {steps.map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ul>
        )}
        {children}
      </div>
    </div>
  );
}

/** The last refused command, when it is one of `commands`. */
export function CommandFailure({ commands }: { readonly commands: readonly TrainCommand[] }) {
  const { failure: last, dismissFailure } = useCommands();
  const failure = last.value;
  if (failure === null || !commands.includes(failure.command)) return null;
  return (
    <ErrorNote
      error={failure.error}
      lead={TRAIN_COPY.failure[failure.command]}
      // A run goes on whether its notes could be kept or not.
      copy={failure.command === 'notes' ? errorCopy(failure.error) : trainErrorCopy(failure.error)}
    >
      <button type="button" class="quiet" onClick={dismissFailure}>
        {TRAIN_COPY.failure.dismiss}
      </button>
    </ErrorNote>
  );
}
