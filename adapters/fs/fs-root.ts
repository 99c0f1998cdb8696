import { randomBytes } from 'node:crypto'
import { link, lstat, mkdir, open, readdir, realpath, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { HoldfastError } from '../../src/kernel/errors.ts'
import { errno, fileError, isAbsent } from '../../src/kernel/file-error.ts'

/** Holds what is being written. On the same file system as the objects, so that `link` can publish from it; no object name begins with a dot. */
const TEMP_FOLDER = '.tmp'
const STALE_MS = 24 * 60 * 60 * 1000
const FOLDER_MODE = 0o700
const FILE_MODE = 0o600

/** The folder that holds everything, and the folders in it. */
export interface FsRoot {
  readonly path: string
  /** The path of an object whose folder exists; null when it does not. `E_STORAGE_KEY` when a symbolic link stands on the way to it, `E_CONFIG` when the root is a file. */
  find(key: string): Promise<string | null>
  /** The path of an object whose folder was made, if need be, and will survive a power cut. */
  make(key: string): Promise<string>
  /** Makes the root, proves that the file system can publish by `link`, and removes what crashed writers left more than a day ago. Once. */
  prepare(): Promise<void>
  tempPath(): string
  /** A second name, the same for all, of the file with that number. */
  claimPath(ino: bigint): string
  /** Makes the entries of a folder survive a power cut. */
  syncFolder(path: string): Promise<void>
  /** After a folder that was known turned out to be gone. */
  forgetFolders(): void
}

export function createFsRoot(path: string, fsync: boolean): FsRoot {
  const known = new Set<string>()
  let real: Promise<string> | undefined
  let prepared: Promise<void> | undefined

  function realRoot(): Promise<string> {
    real ??= folderBehind(path).catch((error: unknown) => {
      real = undefined // it may be made later
      throw error
    })
    return real
  }

  async function assertNoLink(folder: string): Promise<void> {
    if ((await realpath(folder)) !== folder)
      throw new HoldfastError('E_STORAGE_KEY', `${folder} is reached through a symbolic link, which is not followed`, { details: { folder } })
  }

  async function makeFolder(root: string, folder: string): Promise<void> {
    if (folder === root || known.has(folder)) return
    await makeFolder(root, dirname(folder))
    await mkdir(folder, { mode: FOLDER_MODE }).catch((error: unknown) => {
      if (errno(error) !== 'EEXIST') throw error
    })
    await assertNoLink(folder)
    // Also when another process made it: whether that one has come to this line is not known.
    await self.syncFolder(dirname(folder))
    known.add(folder)
  }

  const self: FsRoot = {
    path,
    async find(key) {
      try {
        const file = join(await realRoot(), ...key.split('/'))
        await assertNoLink(dirname(file))
        return file
      } catch (error) {
        if (isAbsent(error)) return null
        throw fileError(error, `looking for ${key} in ${path}`)
      }
    },
    async make(key) {
      const root = await realRoot()
      const file = join(root, ...key.split('/'))
      await makeFolder(root, dirname(file))
      return file
    },
    prepare() {
      prepared ??= prepareRoot(path, self.syncFolder).catch((error: unknown) => {
        prepared = undefined
        throw fileError(error, `preparing ${path}`)
      })
      return prepared
    },
    tempPath: () => tempName(path),
    claimPath: (ino) => join(path, TEMP_FOLDER, `claim-${ino}`),
    async syncFolder(folder) {
      if (!fsync || process.platform === 'win32') return // Windows has no such call; NTFS journals the entry itself
      const handle = await open(folder, 'r')
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
    },
    forgetFolders: () => known.clear(),
  }
  return self
}

function tempName(root: string): string {
  return join(root, TEMP_FOLDER, `${process.pid}-${randomBytes(12).toString('hex')}`)
}

async function folderBehind(path: string): Promise<string> {
  const folder = await realpath(path)
  if (!(await stat(folder)).isDirectory()) throw notAFolder(path)
  return folder
}

function notAFolder(root: string, cause?: unknown): HoldfastError {
  return new HoldfastError('E_CONFIG', `fsStorage: \`root\` ${root} is no folder, and none can be made there: a file stands in its place, or above it`, {
    hint: 'Name a folder of its own; one that does not exist yet is made.',
    cause,
    details: { root },
  })
}

async function prepareRoot(root: string, syncFolder: (path: string) => Promise<void>): Promise<void> {
  const temp = join(root, TEMP_FOLDER)
  const made = await makeFolders(temp).catch((error: unknown) => {
    throw ['ENOTDIR', 'EEXIST'].includes(errno(error) ?? '') ? notAFolder(root, error) : error
  })
  // A root that was made just now is an entry of the folder above, as are those that were made above it: a power cut must not take all of it away.
  if (made !== undefined) for (let folder = root; folder.length >= made.length; folder = dirname(folder)) await syncFolder(dirname(folder))
  if (!(await lstat(temp)).isDirectory()) throw new HoldfastError('E_STORAGE_KEY', `${temp} is not a folder`)
  await probeLink(root)
  await sweep(temp)
}

/** The topmost folder that was not there. Not by the `recursive` of Node, which has no end where the system says of a folder below one that exists that there is no such way (`/proc`). */
async function makeFolders(folder: string): Promise<string | undefined> {
  const make = () => mkdir(folder, { mode: FOLDER_MODE })
  try {
    await make()
    return folder
  } catch (error) {
    const isFolder = () =>
      stat(folder).then(
        (found) => found.isDirectory(),
        () => false,
      )
    if (errno(error) === 'EEXIST' && (await isFolder())) return undefined
    if (errno(error) !== 'ENOENT' || dirname(folder) === folder) throw error
  }
  const above = await makeFolders(dirname(folder))
  try {
    await make()
    return above ?? folder
  } catch (error) {
    if (errno(error) === 'EEXIST') return above // by another process, just now
    throw error
  }
}

/**
 * Publishing needs a call that makes a complete file visible under a name and fails when the name is taken. `rename` overwrites, and a file
 * created under its final name is visible before it is complete; only `link` does both.
 */
async function probeLink(root: string): Promise<void> {
  const from = tempName(root)
  const to = tempName(root)
  await writeFile(from, '', { flag: 'wx', mode: FILE_MODE })
  try {
    await link(from, to)
    const second = await link(from, to).then(() => 'overwritten', errno)
    if (second !== 'EEXIST') throw noLink(root, second)
  } catch (error) {
    if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'].includes(errno(error) ?? '')) throw noLink(root, error)
    throw error
  } finally {
    await Promise.allSettled([unlink(from), unlink(to)])
  }
}

function noLink(root: string, cause: unknown): HoldfastError {
  return new HoldfastError('E_CAPABILITY', `writing a repository needs conditionalPut, which fs:${root} does not have: its file system knows no hard links`, {
    hint: 'Put the repository on a file system with hard links (ext4, xfs, btrfs, zfs, apfs, ntfs), not on FAT, exFAT or a share without them.',
    cause,
    details: { root, missing: ['conditionalPut'] },
  })
}

async function sweep(temp: string): Promise<void> {
  for (const name of await readdir(temp)) {
    const file = join(temp, name)
    const stat = await lstat(file).catch(() => null) // gone meanwhile: its writer is alive
    if (stat?.isFile() && Date.now() - stat.mtimeMs > STALE_MS) await unlink(file).catch(() => {})
  }
}
