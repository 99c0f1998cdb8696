import type { AbortableOptions } from '../kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { getJsonText, putJsonObject } from './json-object.ts'
import type { ObjectKind } from './object-container.ts'
import type { ObjectSpace } from './object-space.ts'
import { sha256 } from './sha256.ts'

/**
 * `putJsonObject` for what others will trust, or be stopped by, with nothing beside it that would show a storage that acknowledged more than it did: read back before it returns. What reads back as
 * something else is taken away again, so that it is in nobody's way.
 *
 * @throws `E_STORAGE` when what was stored does not read back; `E_STORAGE_EXISTS` when something else stands under the name
 */
export async function putProven(space: ObjectSpace, object: string, kind: ObjectKind, value: unknown, options: AbortableOptions = {}): Promise<void> {
  const { plainSha256, outcome } = await putJsonObject(space, object, kind, value, options)
  const problem = await problemOf(async () => sha256(await getJsonText(space, object, kind, options)) === plainSha256)
  if (problem === null) return
  if (outcome === 'written') await space.delete([object], options).catch(() => {}) // what matters is told below
  throw new HoldfastError('E_STORAGE', `${space.label(object)} does not read back as it was stored${problem === '' ? '' : `: ${problem}`}`, {
    hint: 'The storage acknowledged what it does not hold: see what `holdfast storage check` says of it.',
    details: { object, fatal: true },
  })
}

/** Null when it is there as it should be. */
async function problemOf(isThere: () => Promise<boolean>): Promise<string | null> {
  try {
    return (await isThere()) ? null : ''
  } catch (error) {
    if (isHoldfastError(error, 'E_ARCHIVE_CORRUPT') || isHoldfastError(error, 'E_ARCHIVE_FORMAT') || isHoldfastError(error, 'E_ARCHIVE_MISSING'))
      return error.message
    throw error
  }
}
