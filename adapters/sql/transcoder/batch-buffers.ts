import { freeBytes } from '../../../src/kernel/free-bytes.ts'

/** More than a consumer has in hand at once; the rest is left to the garbage collector. */
const KEPT = 16

/**
 * Buffers of one size that go round between the encoder and whoever compresses its batches. A megabyte allocated for each batch would be fresh pages for the
 * kernel to clear and work for the garbage collector, which counts memory outside its heap: a third of the time of an export.
 */
export class BatchBuffers {
  readonly #bytes: number
  readonly #free: Uint8Array[] = []
  #ended = false

  constructor(bytes: number) {
    this.#bytes = bytes
  }

  /** A buffer of at least so many bytes, holding anything. */
  take(bytes: number): Uint8Array {
    return bytes > this.#bytes ? Buffer.allocUnsafeSlow(bytes) : (this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#bytes))
  }

  give(buffer: Uint8Array): void {
    if (this.#ended) freeBytes(buffer)
    else if (buffer.length === this.#bytes && this.#free.length < KEPT) this.#free.push(buffer)
  }

  /** None is taken any more: those that are here are freed, the others when they come back. */
  end(): void {
    this.#ended = true
    for (const buffer of this.#free.splice(0)) freeBytes(buffer)
  }
}
