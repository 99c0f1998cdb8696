import { readdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { throwIfAborted } from '../../src/kernel/abort.ts'
import { errno } from '../../src/kernel/file-error.ts'

/** Removes the folder, when nothing but empty folders is in it; else those in it that are empty. Links are not followed. */
export async function removeEmptyFolders(folder: string, signal: AbortSignal | undefined): Promise<void> {
  throwIfAborted(signal)
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => (errno(error) === 'ENOENT' ? [] : Promise.reject(error)))
  for (const entry of entries) if (entry.isDirectory()) await removeEmptyFolders(join(folder, entry.name), signal)
  await rmdir(folder).catch((error: unknown) => {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errno(error) ?? '')) throw error
  })
}
