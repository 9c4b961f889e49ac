// Asks, in a modal dialog with yes and no, before something is lost. Escape and a closed dialog mean no, and `no` has
// the focus first.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { COPY } from './copy';

/** A modal dialog that is open while it is mounted, and gives the focus back when it goes. */
export function Modal({
  title,
  onClose,
  children,
}: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      // The browser gives the focus back only from a dialog that is still on the page.
      if (before instanceof HTMLElement) queueMicrotask(() => before.focus());
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class="modal"
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <h2>{title}</h2>
      {children}
    </dialog>
  );
}

/** Asks; `children` say what will happen. */
export function Confirm({
  title,
  yes,
  no = COPY.app.cancel,
  onYes,
  onNo,
  children,
}: {
  readonly title: string;
  readonly yes: string;
  readonly no?: string;
  readonly onYes: () => void;
  readonly onNo: () => void;
  readonly children: ComponentChildren;
}) {
  const refuse = useRef<HTMLButtonElement>(null);
  // After the dialog has opened, which focuses the first button of what it says.
  useEffect(() => refuse.current?.focus(), []);
  return (
    <Modal title={title} onClose={onNo}>
      {children}
      <div class="dialog-actions">
        <button ref={refuse} type="button" data-testid="confirm-no" onClick={onNo}>
          {no}
        </button>
        <button type="button" class="primary" data-testid="confirm-yes" onClick={onYes}>
          {yes}
        </button>
      </div>
    </Modal>
  );
}
