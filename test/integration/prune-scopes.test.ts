import { expect, it } from 'vitest'
import { memoryStorage } from '../../adapters/memory/index.ts'
import { openRepository } from '../../src/archive/index.ts'
import { pruneScopes } from '../../src/catalog/index.ts'
import { silentLogger } from '../../src/contracts/index.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { uuidv7 } from '../../src/kernel/ids.ts'
import { failure } from '../support/failure.ts'

it('a prune that one tenant keeps from its end says which, and what to do', async () => {
  const storage = memoryStorage()
  const repository = await openRepository({ storage, create: true })
  const { id } = repository.scopeOf('acme')
  await repository.scopes.note(id!)
  const manifest = `s/${id}/snapshots/${uuidv7()}/manifest`
  await storage.put(manifest, Buffer.from('rubbish'), { ifAbsent: true })
  const context = { places: [{ bucket: 'main', repository }], clock: systemClock, logger: silentLogger }
  const refused = await failure(pruneScopes(context), 'E_PRUNE_REFUSED')
  expect(refused.details).toMatchObject({ scope: id, code: 'E_ARCHIVE_CORRUPT' })
  expect(refused.message).toMatch(new RegExp(`^E_PRUNE_REFUSED: scope ${id}: nothing was deleted, .*${manifest}`))
  expect(refused.hint).toContain('Delete the damaged snapshot')
})
