// Asks where a file is to be saved, in browsers that have such a question: what is written there takes no room of the
// browser's own.

interface Picker {
  showSaveFilePicker?(options: {
    readonly suggestedName: string;
    readonly types: readonly { readonly description: string; readonly accept: Record<string, string[]> }[];
  }): Promise<FileSystemFileHandle>;
}

/** The file that was chosen; null where the browser has no such question, undefined when none was chosen. */
export async function chooseSaveTarget(
  suggestedName: string,
  page: Picker = globalThis as Picker,
): Promise<FileSystemFileHandle | null | undefined> {
  if (page.showSaveFilePicker === undefined) return null;
  try {
    const types = [{ description: 'Zip', accept: { 'application/zip': ['.zip'] } }];
    return await page.showSaveFilePicker({ suggestedName, types });
  } catch (error) {
    // Anything else, as in a frame that may not ask: then it is downloaded.
    return error instanceof DOMException && error.name === 'AbortError' ? undefined : null;
  }
}
