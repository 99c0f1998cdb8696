const NEWLINE = 0x0a
const OPEN_BRACE = 0x7b

/** The lines of a delta chunk that are records: not those that delete one, or say where one belongs. */
export async function* recordLines(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) {
    for (let start = 0; start < piece.byteLength;) {
      const end = piece.indexOf(NEWLINE, start) + 1
      if (piece[start] === OPEN_BRACE) yield piece.subarray(start, end)
      start = end
    }
  }
}
