import { isHoldfastError } from '../kernel/errors.ts'

const UNREADABLE = ['E_ARCHIVE_MISSING', 'E_ARCHIVE_CORRUPT', 'E_ARCHIVE_FORMAT'] as const

/** Null when what is stored cannot be read: a run that has the database at hand then stores it anew. */
export async function unlessUnreadable<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read()
  } catch (error) {
    if (UNREADABLE.some((code) => isHoldfastError(error, code))) return null
    throw error
  }
}
