/**
 * Gives the memory of bytes back at once that nobody uses any more, where it is all theirs. Left to the garbage collector, which counts memory outside its heap as pressure, it would have
 * the whole heap of the application marked for every few megabytes.
 */
export function freeBytes({ buffer, byteLength }: ArrayBufferView): void {
  // Nothing of what was freed before, or of what is part of something larger.
  if (byteLength === 0 || !(buffer instanceof ArrayBuffer) || buffer.byteLength !== byteLength) return
  try {
    buffer.transfer(0)
  } catch {
    // The memory of a WebAssembly module, or of Node's own pool: it stays where it is, and nothing depends on it.
  }
}
