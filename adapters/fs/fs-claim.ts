import { type BigIntStats } from 'node:fs'
import { link, lstat, rename, unlink } from 'node:fs/promises'
import { errno, isAbsent } from '../../src/kernel/file-error.ts'
import type { FsRoot } from './fs-root.ts'

/**
 * A writer whose folder cannot be synced takes its object back. Another one, that found the name taken meanwhile, may count on it by then, and would lose it. So whoever counts on an object
 * whose writer is still at it (its temporary name is there: a second link) first claims it by a link of a fixed name, then looks whether it is still in place; and who takes it
 * back first moves it away, then looks for a claim. One of them sees the other, whatever comes first. Claims are links in the folder for temporary files: the writer removes them when it has
 * done, after its temporary name; whoever claims what is done with by then, does; and those of dead writers are swept with what else they left.
 */

/** Is there something under the name, and will it stay? */
export async function claim(root: FsRoot, final: string): Promise<boolean> {
  const there = await statOf(final)
  if (!there) return false
  if (!there.isFile() || there.nlink === 1n) return true // its writer has done with it
  try {
    await link(final, root.claimPath(there.ino))
  } catch (error) {
    if (isAbsent(error)) return false
    if (errno(error) !== 'EEXIST') throw error
  }
  const still = await statOf(final)
  if (still && still.nlink === 2n) await unlink(root.claimPath(there.ino)).catch(() => {}) // its writer has gone meanwhile
  return isSame(still, there)
}

/** Takes an object back that cannot be made durable, unless somebody counts on it. `temp` is the other name of it. */
export async function withdraw(root: FsRoot, temp: string, final: string): Promise<void> {
  const mine = await statOf(temp)
  if (!mine || !isSame(await statOf(final), mine)) return
  const claimed = root.claimPath(mine.ino)
  if (await statOf(claimed)) return
  const away = root.tempPath()
  await rename(final, away)
  try {
    if ((await statOf(claimed)) || !isSame(await statOf(away), mine)) await link(away, final)
  } catch (error) {
    if (errno(error) !== 'EEXIST') throw error // somebody stored another under the name meanwhile
  } finally {
    await unlink(away)
  }
}

async function statOf(path: string): Promise<BigIntStats | null> {
  try {
    return await lstat(path, { bigint: true })
  } catch (error) {
    if (isAbsent(error)) return null
    throw error
  }
}

function isSame(one: BigIntStats | null, other: BigIntStats): boolean {
  return one !== null && one.ino === other.ino && one.dev === other.dev
}
