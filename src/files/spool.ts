import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AbortableOptions } from '../kernel/abort.ts'
import { fileError } from '../kernel/file-error.ts'
import { untilAborted } from '../kernel/until-aborted.ts'

/** What comes as a stream in a file of the system's temporary folder that nobody else may read: it has to be read from its end. `remove` removes it. */
export async function spool(
  stream: AsyncIterable<Uint8Array | string>,
  { signal }: AbortableOptions,
): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bundle-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    const path = join(folder, 'bundle')
    const file = await open(path, 'wx', 0o600)
    try {
      for await (const piece of untilAborted(stream, signal)) await file.writeFile(piece)
    } finally {
      await file.close()
    }
    return { path, remove }
  } catch (error) {
    await remove().catch(() => {}) // the first error is the one to know
    throw fileError(error, 'taking in the stream')
  }
}
