import { randomBytes } from 'node:crypto'
import { type FileHandle, link, lstat, open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type AbortableOptions, throwIfAborted } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { errno, fileError, isAbsent } from '../kernel/file-error.ts'
import type { ByteSink } from './byte-sink.ts'

const FILE_MODE = 0o600
/** Small writes are gathered up to this. */
const BUFFER_BYTES = 1024 * 1024

/**
 * A new file that is visible only when it is whole: temporary file beside it → write → fsync → `link` under its name → fsync of the folder. Nothing is written over; only its owner may read
 * it.
 *
 * @throws `E_STORAGE_EXISTS` when the name is taken, `E_STORAGE`, `E_STORAGE_FULL`, `E_PERMISSION`
 */
export async function fileSink(path: string, { signal }: AbortableOptions): Promise<ByteSink> {
  if (await isThere(path)) throw exists(path)
  const temp = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  const handle = await open(temp, 'wx', FILE_MODE).catch((error: unknown) => {
    if (isAbsent(error)) throw new HoldfastError('E_CONFIG', `the folder ${dirname(path)} is not there`, { cause: error })
    throw fileError(error, `making ${path}`)
  })
  let open_: FileHandle | null = handle
  let waiting: Uint8Array[] = []
  let bytes = 0

  async function flush(): Promise<void> {
    const pieces = waiting
    waiting = []
    bytes = 0
    // One piece after the other: how much of several a call wrote would have to be looked at.
    for (const piece of pieces.length < 2 ? pieces : [Buffer.concat(pieces)]) await handle.writeFile(piece)
  }

  async function close(): Promise<void> {
    const opened = open_
    open_ = null
    await opened?.close()
  }

  return {
    name: path,
    async write(piece) {
      throwIfAborted(signal)
      // Kept until it is written: whoever gave it may fill it anew.
      waiting.push(bytes + piece.byteLength < BUFFER_BYTES ? Buffer.from(piece) : piece)
      bytes += piece.byteLength
      if (bytes < BUFFER_BYTES) return
      await flush().catch((error: unknown) => {
        throw fileError(error, `writing ${path}`)
      })
    },
    async finish() {
      try {
        await flush()
        throwIfAborted(signal)
        await handle.sync()
        await close()
        await publish(temp, path)
        await syncFolder(dirname(path))
      } catch (error) {
        throw fileError(error, `writing ${path}`)
      } finally {
        await unlink(temp).catch(() => {}) // renamed away, or it never was
      }
    },
    async abort() {
      await close().catch(() => {})
      await unlink(temp).catch(() => {})
    },
  }
}

/** `link` is refused when the name is taken. Where a file system has no links (FAT, as on many sticks), the name is claimed by an empty file, over which the whole one is moved. */
async function publish(temp: string, path: string): Promise<void> {
  try {
    await link(temp, path)
    return
  } catch (error) {
    if (errno(error) === 'EEXIST') throw exists(path)
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errno(error) ?? '')) throw error
  }
  const claimed = await open(path, 'wx', FILE_MODE).catch((error: unknown) => {
    throw errno(error) === 'EEXIST' ? exists(path) : error
  })
  await claimed.close()
  await rename(temp, path)
}

/** Not every system opens a folder. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null)
  if (!handle) return
  try {
    await handle.sync().catch((error: unknown) => {
      if (!['EINVAL', 'EPERM', 'EISDIR', 'ENOTSUP'].includes(errno(error) ?? '')) throw error
    })
  } finally {
    await handle.close()
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (isAbsent(error)) return false
    throw fileError(error, `looking at ${path}`)
  }
}

function exists(path: string): HoldfastError {
  return new HoldfastError('E_STORAGE_EXISTS', `${path} exists already`, {
    hint: 'Nothing is written over. Choose another name, or remove it first.',
    details: { path },
  })
}
