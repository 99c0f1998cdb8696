const NEWLINE = 0x0a

/** Those lines of pieces of whole lines, their 0x0A included, in which one of the texts stands; in order. Many times as fast as taking each line apart. */
export async function* linesWith(pieces: AsyncIterable<Uint8Array>, texts: readonly Buffer[]): AsyncGenerator<Buffer, void, undefined> {
  for await (const piece of pieces) {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    const starts = new Set<number>()
    for (const text of texts) {
      for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, endOf(bytes, at))) starts.add(bytes.lastIndexOf(NEWLINE, at) + 1)
    }
    for (const start of [...starts].sort((a, b) => a - b)) yield bytes.subarray(start, endOf(bytes, start))
  }
}

function endOf(bytes: Buffer, at: number): number {
  return bytes.indexOf(NEWLINE, at) + 1
}
