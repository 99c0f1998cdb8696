import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { GetOptions } from '../../src/contracts/storage-adapter.ts'
import { throwIfAborted } from '../../src/kernel/abort.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { fileError, isAbsent } from '../../src/kernel/file-error.ts'

/** No link is followed, and nothing that is not a file (a pipe, say) makes the call hang. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** The bytes of a file, or of a range of it; null when there is no such file. */
export async function readObject(file: string, key: string, { range, signal }: GetOptions): Promise<Uint8Array | null> {
  throwIfAborted(signal)
  const handle = await open(file, FLAGS).catch((error: unknown) => {
    if (isAbsent(error)) return null
    throw fileError(error, `opening ${key}`)
  })
  if (!handle) return null
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) return null
    const start = Math.min(range?.start ?? 0, stat.size)
    const end = Math.max(start, Math.min(range?.end ?? stat.size, stat.size))
    const bytes = Buffer.allocUnsafeSlow(end - start)
    for (let done = 0; done < bytes.byteLength;) {
      throwIfAborted(signal)
      const { bytesRead } = await handle.read(bytes, done, bytes.byteLength - done, start + done)
      if (bytesRead === 0) throw new HoldfastError('E_STORAGE', `${key} became shorter while it was read`)
      done += bytesRead
    }
    return bytes
  } catch (error) {
    throw fileError(error, `reading ${key}`)
  } finally {
    await handle.close()
  }
}
