/** What a reader accepts, checked before memory is taken for it. A writer refuses to make anything beyond them. */
export const LIMITS = {
  /** Header JSON of any object. */
  headerBytes: 4096,
  /** Plain JSON of a manifest, page, journal entry or other small object. */
  jsonBytes: 64 * 1024 * 1024,
  /** Levels of arrays and objects in it: what checks a value may go down into it without running out of stack. */
  jsonDepth: 1000,
  /** Plain bytes of one frame of a chunk: the longest line that can be stored. */
  frameBytes: 1024 * 1024 * 1024,
  frames: 65_536,
  /** Chunks of one range. */
  layers: 64,
  /** Plain bytes of a key index. */
  indexBytes: 512 * 1024 * 1024,
  /** Plain to stored. Only counts beyond `freeExpansionBytes`, since short repetitive data compresses better than that in all honesty. */
  expansion: 200,
  freeExpansionBytes: 16 * 1024 * 1024,
  repositoryFileBytes: 64 * 1024,
  tokenChars: 4096,
} as const

/** Would a reader take these sizes for a decompression bomb? */
export function isBomb(plainBytes: number, storedBytes: number): boolean {
  return plainBytes > LIMITS.freeExpansionBytes && plainBytes > storedBytes * LIMITS.expansion
}
