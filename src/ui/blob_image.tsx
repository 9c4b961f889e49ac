// Shows a picture that is held as a blob; its object URL lives as long as the element.

import { useEffect, useState } from 'preact/hooks';

/** Shows `blob`; decoration beside words when `alt` is empty. */
export function BlobImage({
  blob,
  alt,
  size,
}: {
  readonly blob: Blob;
  readonly alt: string;
  readonly size: number;
}) {
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => {
    const made = URL.createObjectURL(blob);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return <img class="thumb" src={address ?? undefined} alt={alt} width={size} height={size} loading="lazy" />;
}
