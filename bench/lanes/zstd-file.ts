import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createZstdCompress } from 'node:zlib'

/** What an application's own export script does with its lines. */
export async function writeZstdFile(lines: AsyncIterable<string>, file: string): Promise<void> {
  const zstd = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 3 } })
  await pipeline(Readable.from(lines, { objectMode: true }), zstd, createWriteStream(file))
}
