import { createHash } from 'node:crypto'
import { type FileHandle, link, open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { PutOptions } from '../../src/contracts/storage-adapter.ts'
import { throwIfAborted } from '../../src/kernel/abort.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { freeBytes } from '../../src/kernel/free-bytes.ts'
import { claim, withdraw } from './fs-claim.ts'
import { errno, fileError } from '../../src/kernel/file-error.ts'
import type { FsRoot } from './fs-root.ts'

const FILE_MODE = 0o600
/** A name that is taken and withdrawn in turn, a folder that is removed each time: then somebody is at odds with this writer. */
const LINK_ATTEMPTS = 4
/** What Linux, macOS and the BSDs take in one call (`IOV_MAX`). */
const PIECES_AT_ONCE = 1024
/** They take less than 2 GiB in one call, and Node counts them in 32 bits. */
const BYTES_AT_ONCE = 1024 ** 3
const NO_RETRY = 'Check the disk before anything else is written to it: after a failed fsync the kernel may have dropped what it could not write.'

/**
 * All or nothing, visible only when complete, and never over another: temporary file → write → fsync → `link` under the final name → fsync of the folder → the temporary name goes.
 * When something goes wrong, the temporary file is removed and nothing is visible, unless another writer counts on it by then, or something was replaced that is gone.
 */
export async function publish(root: FsRoot, fsync: boolean, key: string, pieces: readonly Uint8Array[], options: PutOptions): Promise<void> {
  const what = `storing ${key} in ${root.path}`
  try {
    await root.prepare()
    const final = await root.make(key)
    const other = options.ifAbsent ? await taken(root, final, key) : null
    if (other) throw other
    const temp = root.tempPath()
    let ino: bigint | undefined
    try {
      ino = await writeTemp(temp, fsync, pieces, options, what)
      await (options.ifAbsent ? linkOnce(root, temp, final, key) : rename(temp, final))
      await root.syncFolder(dirname(final)).catch(async (error: unknown) => {
        if (options.ifAbsent) await withdraw(root, temp, final).catch(() => {})
        throw fsyncFailed(error, what)
      })
      if (options.transfer) pieces.forEach(freeBytes)
    } finally {
      await unlink(temp).catch(() => {}) // renamed away, or swept when this fails
      if (ino !== undefined) await unlink(root.claimPath(ino)).catch(() => {}) // nothing is taken back any more; mostly there is none
    }
  } catch (error) {
    throw fileError(error, what)
  }
}

async function writeTemp(temp: string, fsync: boolean, pieces: readonly Uint8Array[], { sha256, signal }: PutOptions, what: string): Promise<bigint> {
  if (sha256 !== undefined) assertSum(pieces, sha256, what)
  const handle = await open(temp, 'wx', FILE_MODE)
  try {
    await writePieces(handle, pieces, signal, what)
    if (fsync) await syncFile(handle, what)
    return (await handle.stat({ bigint: true })).ino
  } finally {
    await handle.close()
  }
}

function assertSum(pieces: readonly Uint8Array[], sha256: string, what: string): void {
  const digest = createHash('sha256')
  for (const piece of pieces) digest.update(piece)
  if (digest.digest('hex') === sha256) return
  throw new HoldfastError('E_STORAGE', `${what} failed: the bytes do not have the SHA-256 that was announced`, { details: { transient: false } })
}

/** Many at once, as an encrypted object comes in segments. The kernel may take fewer bytes than it was given. */
async function writePieces(handle: FileHandle, pieces: readonly Uint8Array[], signal: AbortSignal | undefined, what: string): Promise<void> {
  let next = 0
  let written = 0 // of the piece that is next
  while (next < pieces.length) {
    throwIfAborted(signal)
    const batch = batchOf(pieces, next, written)
    const { bytesWritten } = await handle.writev(batch)
    if (bytesWritten === 0 && batch.some(({ byteLength }) => byteLength > 0)) throw new HoldfastError('E_STORAGE', `${what}: the file takes no more bytes`)
    written += bytesWritten
    while (next < pieces.length && written >= pieces[next]!.byteLength) written -= pieces[next++]!.byteLength
  }
  throwIfAborted(signal)
}

/** What one call may take, from a place in a piece on; the rest of the first piece alone where it is large. */
function batchOf(pieces: readonly Uint8Array[], next: number, written: number): Uint8Array[] {
  const batch = [pieces[next]!.subarray(written, written + BYTES_AT_ONCE)]
  let room = BYTES_AT_ONCE - batch[0]!.byteLength
  for (const piece of pieces.slice(next + 1, next + PIECES_AT_ONCE)) {
    room -= piece.byteLength
    if (room < 0) break
    batch.push(piece)
  }
  return batch
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
  return full ? fileError(error, what) : fileError(error, `${what}: fsync`, { hint: NO_RETRY, details: { fatal: true } })
}

async function linkOnce(root: FsRoot, temp: string, final: string, key: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await link(temp, final)
    } catch (error) {
      const code = errno(error)
      const again = attempt < LINK_ATTEMPTS
      if (code === 'EEXIST') {
        const other = await taken(root, final, key)
        if (other || !again) throw other ?? error
      } else if (code === 'ENOENT' && again) {
        root.forgetFolders() // somebody removed a folder that was there
        await root.make(key)
      } else throw error
    }
  }
}

/** What says that the name is taken; null when it is not. The caller may count on what is there: so it has to be as durable as if this call had stored it, whoever did. */
async function taken(root: FsRoot, final: string, key: string): Promise<HoldfastError | null> {
  if (!(await claim(root, final))) return null
  await root.syncFolder(dirname(final))
  return new HoldfastError('E_STORAGE_EXISTS', `${key} exists already in ${root.path}`, { details: { key } })
}
