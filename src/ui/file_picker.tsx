// Takes files on a page: a button that opens the browser's picker for files or for a folder, and drops anywhere on the
// page.

import { useEffect } from 'preact/hooks';
import type { NamedFile } from '../worker/protocol/library';
import { filesOfList, filesOfTransfer } from './file_intake';

/** Takes files, which may still be collected; a rejection is the taker's to show. */
export type TakeFiles = (files: Promise<readonly NamedFile[]>) => void;

/** A button that opens a picker; its input is cleared, so that the same file can be chosen again. */
export function FilePicker({
  label,
  folder = false,
  accept,
  testId,
  take,
}: {
  readonly label: string;
  /** Whole folders instead of files. */
  readonly folder?: boolean;
  /** Endings and types that the picker offers first. */
  readonly accept?: string;
  readonly testId: string;
  readonly take: TakeFiles;
}) {
  return (
    <label class="file-picker">
      <input
        type="file"
        multiple
        data-testid={testId}
        {...(folder ? { webkitdirectory: true } : accept === undefined ? {} : { accept })}
        onChange={(event) => {
          const input = event.currentTarget;
          const list = [...(input.files ?? [])];
          // In a promise, so that a refusal reaches the taker.
          if (list.length > 0) take(Promise.resolve(list).then(filesOfList));
          input.value = '';
        }}
      />
      <span>{label}</span>
    </label>
  );
}

/** Takes files and folders that are dropped anywhere while the page is shown. */
export function useFileDrop(take: TakeFiles): void {
  useEffect(() => {
    const onDrop = (event: DragEvent) => {
      const files = event.dataTransfer?.types.includes('Files') ? filesOfTransfer(event.dataTransfer) : null;
      if (files === null) return;
      event.preventDefault();
      take(files);
    };
    document.addEventListener('drop', onDrop);
    return () => document.removeEventListener('drop', onDrop);
  }, [take]);
}
