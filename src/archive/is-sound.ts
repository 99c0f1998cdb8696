import { isHoldfastError } from '../kernel/errors.ts'

/**
 * For `accept`, where a storage holds several copies: do the bytes open? Only damage speaks for another copy; any other failure (a key service that is down) would meet that
 * one too, and is told of by whoever reads.
 */
export async function isSound(open: () => unknown): Promise<boolean> {
  try {
    await open()
    return true
  } catch (error) {
    return !isHoldfastError(error, 'E_ARCHIVE_CORRUPT') && !isHoldfastError(error, 'E_ARCHIVE_FORMAT')
  }
}
