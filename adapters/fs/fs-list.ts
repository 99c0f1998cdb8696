import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectStat } from '../../src/contracts/storage-adapter.ts'
import { throwIfAborted } from '../../src/kernel/abort.ts'
import { fileError, isAbsent } from '../../src/kernel/file-error.ts'

interface Entry {
  readonly name: string
  readonly isFolder: boolean
}

/** Objects below `folder` whose names start with `prefix`, in the order of the whole names. Holds the entries of one folder a level. Links and hidden files are no objects. */
export async function* walk(folder: string, folderKey: string, prefix: string, signal: AbortSignal | undefined): AsyncGenerator<ObjectStat, void, undefined> {
  throwIfAborted(signal)
  for (const { name, isFolder } of await entriesOf(folder)) {
    const key = folderKey + name
    if (isFolder) {
      if (key.startsWith(prefix) || prefix.startsWith(key)) yield* walk(join(folder, name), key, prefix, signal)
      continue
    }
    if (!key.startsWith(prefix)) continue
    throwIfAborted(signal)
    const stat = await statFile(join(folder, name))
    if (stat) yield { key, ...stat }
  }
}

/** Names of folders end with a slash, so that sorting them gives the order of the whole names: `a-b`, `a/b`, `a0`. */
async function entriesOf(folder: string): Promise<Entry[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries
      .filter((entry) => !entry.name.startsWith('.') && (entry.isFile() || entry.isDirectory()))
      .map((entry) => ({ name: entry.isDirectory() ? `${entry.name}/` : entry.name, isFolder: entry.isDirectory() }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    if (isAbsent(error)) return []
    throw fileError(error, `listing ${folder}`)
  }
}

/** Null when it is gone, or no regular file. */
export async function statFile(file: string): Promise<Pick<ObjectStat, 'bytes' | 'modifiedAt'> | null> {
  try {
    const stat = await lstat(file)
    return stat.isFile() ? { bytes: stat.size, modifiedAt: stat.mtimeMs } : null
  } catch (error) {
    if (isAbsent(error)) return null
    throw fileError(error, `looking at ${file}`)
  }
}
