import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { errno, fileError, isAbsent } from '../kernel/file-error.ts'
import type { ByteSink } from './byte-sink.ts'
import { fileSink } from './file-sink.ts'

/** A new folder of new files, which goes again when anything fails. */
export interface FolderSink {
  readonly path: string
  /** @throws what `fileSink` throws */
  file(name: string): Promise<ByteSink>
  /** Takes back the folder with what is in it. Throws nothing. */
  abort(): Promise<void>
}

/** @throws `E_STORAGE_EXISTS` when the name is taken, `E_CONFIG` when the folder above is not there, `E_PERMISSION`, `E_STORAGE` */
export async function folderSink(path: string, options: AbortableOptions): Promise<FolderSink> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (errno(error) === 'EEXIST')
      throw new HoldfastError('E_STORAGE_EXISTS', `${path} exists already`, {
        hint: 'Nothing is written over. Choose another name, or remove it first.',
        details: { path },
      })
    if (isAbsent(error)) throw new HoldfastError('E_CONFIG', `the folder ${dirname(path)} is not there`, { cause: error })
    throw fileError(error, `making ${path}`)
  }
  return {
    path,
    file: (name) => fileSink(join(path, name), options),
    abort: () => rm(path, { recursive: true, force: true }).catch(() => {}),
  }
}
