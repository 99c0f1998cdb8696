import type { Repository, RepositoryScope, RestoreLog } from '../archive/index.ts'

/**
 * Where a restore keeps what it leaves: with the tenant whose rows it touches, under that tenant's key. Where that is another than the snapshot's, nothing need be there yet: the sub-repository is
 * noted before its first object, and what either tenant erased is left out.
 */
export function keptWith(
  repository: Repository,
  { tenant: from = null }: { readonly tenant?: string | null | undefined },
  to: string | null,
): Pick<RepositoryScope, 'restores' | 'erasures'> {
  const source = repository.scopeOf(from)
  if (to === from) return source
  const target = repository.scopeOf(to)
  const { erasures } = source
  return {
    restores: noted(target.restores, () => repository.scopes.note(target.id!)),
    erasures: {
      ...erasures,
      async *list(options) {
        yield* erasures.list(options)
        yield* target.erasures.list(options)
      },
    },
  }
}

function noted(log: RestoreLog, note: () => Promise<void>): RestoreLog {
  return {
    ...log,
    async writeResult(...parts) {
      await note()
      await log.writeResult(...parts)
    },
    async writeDiagnostics(...parts) {
      await note()
      await log.writeDiagnostics(...parts)
    },
    async writePart(...parts) {
      await note()
      await log.writePart(...parts)
    },
  }
}
