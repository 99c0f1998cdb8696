/** More than a consumer has in hand at once; the rest is left to the garbage collector. */
const KEPT = 16

/**
 * Buffers of one size that go round between the encoder and whoever compresses its batches. A megabyte allocated for each batch would be fresh pages for the
 * kernel to clear and work for the garbage collector, which counts memory outside its heap: a third of the time of an export.
 */
export class BatchBuffers {
  readonly #bytes: number
  readonly #free: Uint8Array[] = []

  constructor(bytes: number) {
    this.#bytes = bytes
  }

  /** A buffer of at least so many bytes, holding anything. */
  take(bytes: number): Uint8Array {
    return bytes > this.#bytes ? Buffer.allocUnsafeSlow(bytes) : (this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#bytes))
  }

  give(buffer: Uint8Array): void {
    if (buffer.length === this.#bytes && this.#free.length < KEPT) this.#free.push(buffer)
  }
}
