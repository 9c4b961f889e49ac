// Saves a blob as a file of the user's, the way a link would; nothing leaves the device.

/** A name that every file system takes: letters, digits, `-`, `_`, `.`; `fallback` when nothing is left of it. */
export function fileName(name: string, extension: string, fallback = 'look-back'): string {
  const stem = name
    .normalize('NFKD')
    .replace(/[^\w.-]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 80);
  return `${stem || fallback}.${extension}`;
}

/** Offers `blob` for download under `name`. */
export function download(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser reads the address after the click; one minute is ample.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
