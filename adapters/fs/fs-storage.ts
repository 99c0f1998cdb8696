import { statfs, unlink } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { assertObjectKey, assertObjectPrefix } from '../../src/contracts/object-key.ts'
import type { AdapterCapabilities, StorageAdapter } from '../../src/contracts/storage-adapter.ts'
import { throwIfAborted } from '../../src/kernel/abort.ts'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { fileError, isAbsent } from '../../src/kernel/file-error.ts'
import { removeEmptyFolders } from './fs-empty-folders.ts'
import { statFile, walk } from './fs-list.ts'
import { publish } from './fs-publish.ts'
import { readObject } from './fs-read.ts'
import { createFsRoot } from './fs-root.ts'

export interface FsStorageOptions {
  /** Folder that holds the objects; made, for the owner only, with the first `put`. Relative to the working directory. */
  readonly root: string
  /**
   * Wait until file and folder are on the disk before a `put` is acknowledged. Default true. Without it a power cut can lose or tear what was acknowledged
   * (`durable` is then false); for tests and scratch copies.
   */
  readonly fsync?: boolean
}

function capabilitiesOf(fsync: boolean): AdapterCapabilities {
  return {
    conditionalPut: true,
    multipart: false,
    rangeRead: true,
    checksumOnPut: true,
    strongList: true,
    objectLock: false,
    versioning: false,
    lifecycleTiers: false,
    durable: fsync,
    shared: false, // a network share may be; whether its caches keep the other promises cannot be told from here
    maxObjectBytes: 2 ** 40,
    maxKeyBytes: 1024,
  }
}

/**
 * Objects as files below a folder. Publishing is by `link`, so a file system without hard links is refused with `E_CAPABILITY` at the first `put`.
 * Files are 0600, folders 0700; links are not followed. What crashed writers leave in `.tmp` is removed after a day.
 */
export function fsStorage({ root: folder, fsync = true }: FsStorageOptions): StorageAdapter {
  if (typeof folder !== 'string' || folder === '') throw new HoldfastError('E_CONFIG', 'fsStorage: `root` must name a folder')
  const root = createFsRoot(resolve(folder), fsync)
  const capabilities = capabilitiesOf(fsync)
  const name = `fs:${root.path}`

  return {
    name,
    capabilities,
    async put(key, body, options) {
      assertObjectKey(key, capabilities)
      throwIfAborted(options.signal)
      await publish(root, fsync, key, body instanceof Uint8Array ? [body] : body, options)
    },
    async get(key, options = {}) {
      assertObjectKey(key, capabilities)
      const file = await root.find(key)
      const bytes = file === null ? null : await readObject(file, key, options)
      if (!bytes) throw new HoldfastError('E_ARCHIVE_MISSING', `${key} is not in ${name}`, { details: { key } })
      return bytes
    },
    async stat(key, { signal } = {}) {
      assertObjectKey(key, capabilities)
      throwIfAborted(signal)
      const file = await root.find(key)
      const stat = file === null ? null : await statFile(file)
      return stat && { key, ...stat }
    },
    async *list(prefix, { signal } = {}) {
      assertObjectPrefix(prefix, capabilities)
      // Begin at the folder that the prefix names, so that listing one folder does not read the others.
      const folderKey = prefix.slice(0, prefix.lastIndexOf('/') + 1)
      const inside = await root.find(`${folderKey}x`)
      if (inside !== null) yield* walk(dirname(inside), folderKey, prefix, signal)
    },
    async delete(keys, { signal } = {}) {
      for (const key of keys) assertObjectKey(key, capabilities)
      const folders = new Set<string>()
      for (const key of keys) {
        throwIfAborted(signal)
        const file = await root.find(key)
        if (file === null || !(await statFile(file))) continue
        await unlink(file).catch((error: unknown) => {
          if (!isAbsent(error)) throw fileError(error, `deleting ${key}`)
        })
        folders.add(dirname(file))
      }
      for (const changed of folders) await root.syncFolder(changed).catch((error: unknown) => Promise.reject(fileError(error, `deleting from ${changed}`)))
    },
    async removeFolders(prefix, { signal } = {}) {
      assertObjectPrefix(prefix, capabilities)
      if (!prefix.endsWith('/')) throw new HoldfastError('E_STORAGE_KEY', `${JSON.stringify(prefix)} names no folder: it does not end with a slash`)
      throwIfAborted(signal)
      const inside = await root.find(`${prefix}x`)
      if (inside === null) return
      const folder = dirname(inside)
      await removeEmptyFolders(folder, signal)
        .then(() => root.syncFolder(dirname(folder)))
        .catch((error: unknown) => Promise.reject(fileError(error, `removing empty folders of ${folder}`)))
      root.forgetFolders()
    },
    /** Of the file system, whoever uses it. `freeBytes`: what this user may still write, as far as the file system says; a quota of the user it does not. */
    async quota({ signal } = {}) {
      throwIfAborted(signal)
      const { bavail, bfree, blocks, bsize } = await statfs(await nearestFolder(root.path))
      return { usedBytes: (blocks - bfree) * bsize, freeBytes: bavail * bsize }
    },
    async close() {},
  }
}

/** The folder itself, or, before the first `put`, the nearest one above that exists. */
async function nearestFolder(path: string): Promise<string> {
  let folder = path
  while (folder !== dirname(folder)) {
    const exists = await statfs(folder).then(
      () => true,
      () => false,
    )
    if (exists) break
    folder = dirname(folder)
  }
  return folder
}
