import { createHash } from 'node:crypto'
import { type FileHandle, link, lstat, open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { PutOptions } from '../../src/contracts/storage-adapter.ts'
import { throwIfAborted } from '../../src/kernel/abort.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { errno, fsError, isAbsent } from './fs-error.ts'
import type { FsRoot } from './fs-root.ts'

const FILE_MODE = 0o600
const NO_RETRY = 'Check the disk before anything else is written to it: after a failed fsync the kernel may have dropped what it could not write.'

/**
 * All or nothing, visible only when complete, and never over another: temporary file → write → fsync → `link` under the final name → fsync of the folder.
 * Whatever goes wrong, the temporary file is removed and nothing is visible.
 */
export async function publish(root: FsRoot, fsync: boolean, key: string, pieces: readonly Uint8Array[], options: PutOptions): Promise<void> {
  const what = `storing ${key} in ${root.path}`
  try {
    await root.prepare()
    const final = await root.make(key)
    if (options.ifAbsent && (await isTaken(final))) throw await taken(root, final, key)
    const temp = root.tempPath()
    try {
      await writeTemp(temp, fsync, pieces, options, what)
      await (options.ifAbsent ? linkOnce(root, temp, final, key) : rename(temp, final))
    } finally {
      await unlink(temp).catch(() => {}) // renamed away, or swept when this fails
    }
    await root.syncFolder(dirname(final)).catch(async (error: unknown) => {
      await unlink(final).catch(() => {})
      throw fsyncFailed(error, what)
    })
  } catch (error) {
    throw fsError(error, what)
  }
}

async function writeTemp(temp: string, fsync: boolean, pieces: readonly Uint8Array[], { sha256, signal }: PutOptions, what: string): Promise<void> {
  const handle = await open(temp, 'wx', FILE_MODE)
  try {
    const digest = createHash('sha256')
    for (const piece of pieces) {
      throwIfAborted(signal)
      if (sha256 !== undefined) digest.update(piece)
      await handle.writeFile(piece)
    }
    if (sha256 !== undefined && digest.digest('hex') !== sha256)
      throw new HoldfastError('E_STORAGE', `${what} failed: the bytes do not have the SHA-256 that was announced`)
    throwIfAborted(signal)
    if (fsync) await syncFile(handle, what)
  } finally {
    await handle.close()
  }
}

/** Once. A second fsync may succeed although the data of the first are lost. */
async function syncFile(handle: FileHandle, what: string): Promise<void> {
  try {
    await handle.sync()
  } catch (error) {
    throw fsyncFailed(error, what)
  }
}

function fsyncFailed(error: unknown, what: string): HoldfastError {
  const full = errno(error) === 'ENOSPC' || errno(error) === 'EDQUOT'
  return full ? fsError(error, what) : fsError(error, `${what}: fsync`, { hint: NO_RETRY, details: { fatal: true } })
}

async function linkOnce(root: FsRoot, temp: string, final: string, key: string): Promise<void> {
  try {
    await link(temp, final)
  } catch (error) {
    if (errno(error) === 'EEXIST') throw await taken(root, final, key)
    if (errno(error) !== 'ENOENT') throw error
    root.forgetFolders() // somebody removed a folder that was there
    await link(temp, await root.make(key))
  }
}

async function isTaken(final: string): Promise<boolean> {
  try {
    await lstat(final)
    return true
  } catch (error) {
    if (isAbsent(error)) return false
    throw error
  }
}

/** The caller may count on what is there: so it has to be as durable as if this call had stored it, whoever did. */
async function taken(root: FsRoot, final: string, key: string): Promise<HoldfastError> {
  await root.syncFolder(dirname(final))
  return new HoldfastError('E_STORAGE_EXISTS', `${key} exists already in ${root.path}`, { details: { key } })
}
