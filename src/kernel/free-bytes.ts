/**
 * Gives the memory of bytes back at once that nobody uses any more, where it is all theirs. Left to the garbage collector, which counts memory outside its heap as pressure, it would have
 * the whole heap of the application marked for every few megabytes.
 */
export function freeBytes({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}
