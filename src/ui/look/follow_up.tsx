// Offers to go on from the answer shown, and lists the conversation that the model then reads before the question.

import { FOLLOW_UP } from './follow_up_copy';
import { useLook } from './look_context';
import '../styles/follow_up.css';

/** The choice to follow up, with the turns so far. */
export function FollowUp() {
  const look = useLook();
  const turns = look.turns.value;
  return (
    <div class="follow-up">
      <label class="check">
        <input
          type="checkbox"
          checked={look.following.value}
          onChange={(event) => look.setFollowing(event.currentTarget.checked)}
        />
        {FOLLOW_UP.label}
      </label>
      <span class="hint">{look.following.value ? FOLLOW_UP.on(turns.length) : FOLLOW_UP.off}</span>
      {look.following.value && (
        <details>
          <summary>{FOLLOW_UP.turns(turns.length)}</summary>
          <dl>
            {turns.map(({ question, answer }, turn) => (
              // Turns are only ever added at the end.
              // biome-ignore lint/suspicious/noArrayIndexKey: a turn is its place
              <div key={turn}>
                <dt>{question}</dt>
                <dd>{answer}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </div>
  );
}
