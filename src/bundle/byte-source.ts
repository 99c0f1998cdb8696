import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { corrupt, missing } from '../archive/index.ts'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { fileError, isAbsent } from '../kernel/file-error.ts'

/** Bytes that can be read from anywhere. */
export interface ByteSource {
  /** For messages. */
  readonly name: string
  readonly bytes: number
  readonly modifiedAt: number
  /** Exactly so many bytes. `E_ARCHIVE_CORRUPT` when they are not there. */
  read(start: number, length: number, options: AbortableOptions): Promise<Buffer>
  close(): Promise<void>
}

/** A pipe would make the call hang. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** @throws `E_ARCHIVE_MISSING` when there is no such file, `E_CONFIG` when it is none, `E_STORAGE`, `E_PERMISSION` */
export async function fileSource(path: string, { signal }: AbortableOptions): Promise<ByteSource> {
  throwIfAborted(signal)
  const handle = await open(path, FLAGS).catch((error: unknown) => {
    if (isAbsent(error)) throw missing(path, 'There is no such file. Check the path.')
    throw fileError(error, `opening ${path}`)
  })
  const stat = await handle.stat()
  if (!stat.isFile()) {
    await handle.close()
    throw new HoldfastError('E_CONFIG', `${path} is no file`, { hint: 'What comes from elsewhere can be handed over as a stream.' })
  }
  return {
    name: path,
    bytes: stat.size,
    modifiedAt: stat.mtimeMs,
    async read(start, length, options) {
      const bytes = Buffer.allocUnsafeSlow(length)
      for (let done = 0; done < length;) {
        throwIfAborted(options.signal)
        const { bytesRead } = await handle.read(bytes, done, length - done, start + done).catch((error: unknown) => {
          throw fileError(error, `reading ${path}`)
        })
        if (bytesRead === 0) throw corrupt(path, 'became shorter while it was read')
        done += bytesRead
      }
      return bytes
    },
    close: () => handle.close(),
  }
}
