import type { ErasureEntry } from '../archive/index.ts'
import { type EntityKey, entityKeyText } from '../compare/index.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import type { ScopeOption } from '../contracts/scope-option.ts'
import type { Clock } from '../kernel/clock.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { uuidv7 } from '../kernel/ids.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import { EntityIndex } from '../plan/entity-index.ts'
import { type EntityReference, referenceFacts } from '../plan/entity-reference.ts'
import { suggest } from '../plan/name-list.ts'
import type { BucketRepositories } from './bucket-repositories.ts'

export interface EraseOptions extends ScopeOption {
  /** Kept with the entry: a ticket, never the person's data. */
  readonly reason?: string
  /** Who asks. */
  readonly by?: string
  /** Entity store, where several map the entity. */
  readonly store?: string
}

/** What an erasure did, and what it did not. */
export interface ErasureReport {
  readonly id: string
  readonly at: string
  readonly store: string
  readonly entity: string
  /** Buckets whose repositories have it in their ledger now. */
  readonly buckets: readonly string[]
  /** For people who have to answer for it. */
  readonly hidden: string
  readonly remains: readonly string[]
}

/** Records that no restore, read, comparison or undo gives out any more. */
export interface IErasureService {
  /**
   * Notes in the ledger of every repository that a record was erased, by a keyed hash. From then on every restore, read, comparison, history and undo leaves it out of every snapshot of the scope, and every record that
   * refers to it, over any number of references. Deletes nothing: the report says what remains, snapshots of other tenants among it. Erasing it again changes nothing but the ledger.
   *
   * @param entity class, schema or name, as mapped today; its database is asked for the type of the key
   * @throws `E_ENTITY_UNKNOWN`, `E_CONFIG` when it is no key of the entity, `E_SCOPE` when nothing of the tenant is stored, `E_ARCHIVE_MISSING` when no bucket holds a repository
   */
  erase(entity: EntityReference, key: EntityKey, options?: EraseOptions): Promise<ErasureReport>
  /** Entries of all repositories by time; each once. None tells who was erased. */
  list(options?: ScopeOption): Promise<readonly ErasureEntry[]>
}

export interface ErasureServiceOptions {
  readonly repositories: BucketRepositories
  readonly stores: ReadonlyMap<string, EntityStore>
  readonly clock: Clock
}

const HIDDEN =
  'The record, and every record that refers to it, is left out of every restore, read, comparison, history and undo by Holdfast, from every snapshot'
/** Each tenant has a ledger of its own, and so have plans without tenants: a report that passes over that would have somebody believe that a person is gone who is not. */
const OTHER_TENANTS = 'Snapshots of other tenants, and of plans without tenants: theirs are ledgers of their own. Erase the record there, too, if they hold it.'
const TENANTS = 'Snapshots of tenants: each has a ledger of its own. Erase the record there, too, with `scope` (`--scope`), if they hold it.'
const REMAINS = [
  'The live database: delete the record there with your application.',
  'The chunks of snapshots that hold it: whoever can read the storage (and, where it is encrypted, has a key) can read them, until these snapshots are deleted and pruned.',
  'Journals of undo, diagnostics and plans of earlier restores that hold it, for as long as they are kept.',
  'Copies of the storage that are not mirrors of it, and programs that read the archive without Holdfast, or with a version that has no ledger.',
]

export function createErasureService({ repositories, stores, clock }: ErasureServiceOptions): IErasureService {
  return {
    async erase(reference, key, options = {}) {
      assertKnownOptions(options, ['reason', 'by', 'store', 'scope', 'signal'] satisfies (keyof EraseOptions)[], 'an erasure')
      const { reason = null, by = null, scope, signal } = options
      const { store, entity, table } = locate(reference, options.store ?? null, stores)
      const [descriptor] = await stores.get(store)!.describe([{ entity }], { signal })
      const text = entityKeyText(descriptor!, key)
      const id = uuidv7(clock.now())
      const at = new Date(clock.now()).toISOString()
      const buckets: string[] = []
      let tenants = false
      for await (const { bucket, repository } of repositories.all({ signal })) {
        const { id: scopeId, erasures } = repository.scopeOf(scope)
        // A mistyped tenant would take the entry, and nothing be left out.
        if (scopeId !== null && !(await repository.scopes.has(scopeId, { signal }))) continue
        await erasures.write({ id, at, store, entity, table, subject: erasures.subject({ store, entity }, text), by, reason }, { signal })
        buckets.push(bucket)
        if (scopeId === null) for await (const _ of repository.scopes.list({ signal })) tenants = true
      }
      if (buckets.length === 0 && scope !== undefined)
        throw new HoldfastError('E_SCOPE', 'no bucket holds anything of that tenant, so there is nothing to keep a record out of')
      if (buckets.length === 0) throw new HoldfastError('E_ARCHIVE_MISSING', 'no bucket holds a repository, so there is nothing to keep a record out of')
      const whose = scope !== undefined ? ' of this tenant' : tenants ? ' of plans without tenants' : ''
      const elsewhere = scope !== undefined ? [OTHER_TENANTS] : tenants ? [TENANTS] : []
      return { id, at, store, entity, buckets, hidden: `${HIDDEN}${whose}.`, remains: [...elsewhere, ...REMAINS] }
    },
    async list({ scope, ...options } = {}) {
      const found = new Map<string, ErasureEntry>()
      for await (const { repository } of repositories.all(options))
        for await (const entry of repository.scopeOf(scope).erasures.list(options)) found.set(entry.id, entry)
      return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
    },
  }
}

function locate(
  reference: EntityReference,
  store: string | null,
  stores: ReadonlyMap<string, EntityStore>,
): { readonly store: string; readonly entity: string; readonly table: string } {
  const facts = referenceFacts(reference)
  if (!facts) throw new HoldfastError('E_CONFIG', 'this is no entity: expected a class, an entity schema or a name')
  const located = new EntityIndex([...stores.values()]).locate(facts, store)
  const [found, another] = located
  if (!found) {
    const names = [...stores.values()].filter(({ name }) => store === null || name === store).flatMap(({ mapping }) => mapping.entities.map(({ name }) => name))
    throw new HoldfastError('E_ENTITY_UNKNOWN', `no store maps "${facts.name}"`, { hint: `${suggest(facts.name, names, 'entities')}.` })
  }
  if (another) {
    const names = located.map(({ store }) => `"${store}"`).join(', ')
    throw new HoldfastError('E_ENTITY_UNKNOWN', `"${facts.name}" is mapped by the stores ${names}`, { hint: 'Say which: `store` (`--store`).' })
  }
  // Of a record in several tables the part that all others refer to.
  const { entities } = stores.get(found.store)!.mapping
  let { mapping } = found
  while (mapping.inherits !== undefined) mapping = entities.find(({ name }) => name === mapping.inherits)!
  return { store: found.store, entity: mapping.name, table: mapping.table }
}
