// Shows what went wrong with a run or a command, in words, with what can be done about it beside it. Text of the
// engine is shown as text; the code is there for a report.

import type { ComponentChildren } from 'preact';
import type { PlainError } from '../../lib/plain_error';
import type { TrainCommand } from '../../state/train_commands';
import { Icon } from '../icons';
import { useCommands } from './train_context';
import { TRAIN_COPY } from './train_copy';
import { trainErrorCopy } from './train_error_copy';

/** An error with its title and reason; `children` are the actions. */
export function ErrorNote({
  error,
  lead,
  children,
}: {
  readonly error: PlainError;
  readonly lead?: string;
  readonly children?: ComponentChildren;
}) {
  const { title, why, steps = [] } = trainErrorCopy(error);
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
    <ErrorNote error={failure.error} lead={TRAIN_COPY.failure[failure.command]}>
      <button type="button" class="quiet" onClick={dismissFailure}>
        {TRAIN_COPY.failure.dismiss}
      </button>
    </ErrorNote>
  );
}
