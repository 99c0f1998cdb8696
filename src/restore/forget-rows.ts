import type { EntityStore } from '../contracts/entity-store.ts'
import type { Logger } from '../contracts/logger.ts'

/** What the ORM remembers of the rows. It stands in nobody's way any more: the data is committed, so a failure is told, not thrown. */
export async function forgetRows(store: EntityStore, { id, logger }: { readonly id: string; readonly logger: Logger }): Promise<string[]> {
  try {
    await store.afterRestore?.()
    return []
  } catch (error) {
    logger.error({ restoreId: id, store: store.name, error: String(error) }, 'the caches of the ORM could not be cleared after a restore')
    return [`store "${store.name}" is restored, but the caches of its ORM could not be cleared: ${error instanceof Error ? error.message : String(error)}`]
  }
}
