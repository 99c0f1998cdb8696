import type { ErasureEntry, RepositoryScope } from '../archive/index.ts'
import { entityKeyText } from '../compare/index.ts'
import type { EntityKey } from '../contracts/entity-key.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import type { Logger } from '../contracts/logger.ts'
import type { ScopeOption } from '../contracts/scope-option.ts'
import type { SchemaChanges } from '../evolution/index.ts'
import type { AbortableOptions } from '../kernel/abort.ts'
import type { Clock } from '../kernel/clock.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { uuidv7 } from '../kernel/ids.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import { assertNoted } from '../kernel/noted-text.ts'
import { EntityIndex } from '../plan/entity-index.ts'
import { type EntityReference, referenceFacts } from '../plan/entity-reference.ts'
import { suggest } from '../plan/name-list.ts'
import type { BucketRepositories } from './bucket-repositories.ts'
import type { ErasureRewrite } from './erasure-rewrite.ts'
import { findSubject, type FoundSubject } from './find-subject.ts'
import { type HoldingSnapshot, lookForErased, type LookForErasedOptions, readChunks } from './look-for-erased.ts'
import { rewriteErased } from './rewrite-erased.ts'
import { type ErasurePlace, remainsOf, rewriteReport } from './rewrite-report.ts'

export interface EraseOptions extends ScopeOption {
  /** Kept with the entry: a ticket, never the person's data. */
  readonly reason?: string
  /** Who asks. */
  readonly by?: string
  /** Entity store, where several map the entity. */
  readonly store?: string
  /**
   * Also put in the place of each snapshot that holds the record, or what belongs to it or to anybody else in the ledger, another one without it, under a new id; the old ones are deleted, and the first prune
   * a grace period later deletes their chunks. Reads the key indexes of all snapshots of the tenant, and writes the chunks that hold something anew. Ended early, it goes on when it is called again. Default false.
   */
  readonly rewrite?: boolean
  /** With `rewrite`: only say which snapshots hold how much. Nothing is written, into the ledger neither. Default false. */
  readonly dryRun?: boolean
  /** With `rewrite`: leave snapshots that are held (`discovery.hold`) as they are, and say so. Default false: refused, before anything is changed. */
  readonly keepHeld?: boolean
}

/** What an erasure did, and what it did not. */
export interface ErasureReport {
  /** Of the entry in the ledger; null in a dry run. */
  readonly id: string | null
  readonly at: string
  readonly store: string
  readonly entity: string
  /** Buckets whose repositories have it in their ledger now. */
  readonly buckets: readonly string[]
  /** Where the record itself was found, before anything was rewritten. Nowhere: perhaps it is another key, entity or tenant. It is in the ledger all the same. */
  readonly found: FoundSubject
  /** For people who have to answer for it. */
  readonly hidden: string
  readonly remains: readonly string[]
  /** What became of snapshots that hold it; null unless that was asked for. */
  readonly rewrite: ErasureRewrite | null
}

/** Records that no restore, read, comparison or undo gives out any more. */
export interface IErasureService {
  /**
   * Notes in the ledger of every repository that a record was erased, by a keyed hash. From then on every restore, read, comparison, history and undo leaves it out of every snapshot of the scope, and every record that
   * refers to it, over any number of references. Deletes nothing, unless `rewrite` is set: the report says what remains, snapshots of other tenants among it. Erasing it again changes nothing but the ledger.
   *
   * @param entity class, schema or name, as mapped today; its database is asked for the type of the key
   * @throws `E_ENTITY_UNKNOWN`, `E_CONFIG` when it is no key of the entity, `E_SCOPE` when nothing of the tenant is stored, or without `scope` only what belongs to tenants, `E_ARCHIVE_MISSING` when no bucket holds a repository; with `rewrite` also
   * `E_SNAPSHOT_HELD`, naming all that are held, and what reading the snapshots throws, before anything is changed; `E_CONDEMNED` when a prune came in between, `E_STORAGE_FULL` …: call it again
   */
  erase(entity: EntityReference, key: EntityKey, options?: EraseOptions): Promise<ErasureReport>
  /** Entries of all repositories by time; each once. None tells who was erased. */
  list(options?: ScopeOption): Promise<readonly ErasureEntry[]>
}

export interface ErasureServiceOptions {
  readonly repositories: BucketRepositories
  readonly stores: ReadonlyMap<string, EntityStore>
  readonly schema: SchemaChanges
  readonly clock: Clock
  readonly logger: Logger
}

const OPTIONS: readonly (keyof EraseOptions)[] = ['reason', 'by', 'store', 'rewrite', 'dryRun', 'keepHeld', 'scope', 'signal']
const HIDDEN =
  'The record, and every record that refers to it, is left out of every restore, read, comparison, history and undo by Holdfast, from every snapshot'
/** Each tenant has a ledger of its own, and so have plans without tenants: a report that passes over that would have somebody believe that a person is gone who is not. */
const OTHER_TENANTS = 'Snapshots of other tenants, and of plans without tenants: theirs are ledgers of their own. Erase the record there, too, if they hold it.'
const TENANTS = 'Snapshots of tenants: each has a ledger of its own. Erase the record there, too, with `scope` (`--scope`), if they hold it.'
const LIVE = 'The live database: delete the record there with your application.'
const COPIES = 'Copies of the storage that are not mirrors of it, and programs that read the archive without Holdfast, or with a version that has no ledger.'
const REMAINS = [
  LIVE,
  'The chunks of snapshots that hold it: whoever can read the storage (and, where it is encrypted, has a key) can read them, until these snapshots are deleted and pruned.',
  'Journals of undo, diagnostics and plans of earlier restores that hold it, for as long as they are kept.',
  COPIES,
]

export function createErasureService({ repositories, stores, schema, clock, logger }: ErasureServiceOptions): IErasureService {
  return {
    async erase(reference, key, options = {}) {
      assertKnownOptions(options, OPTIONS, 'an erasure')
      assertFlags(options)
      assertNoted(options)
      const { reason = null, by = null, scope: tenant, rewrite = false, dryRun = false, keepHeld = false, signal } = options
      const { store, entity, table } = locate(reference, options.store ?? null, stores)
      const [descriptor] = await stores.get(store)!.describe([{ entity }], { signal })
      const text = entityKeyText(descriptor!, key)
      const id = uuidv7(clock.now())
      const at = new Date(clock.now()).toISOString()
      const places = await placesOf(repositories, { scope: tenant, signal })
      if (tenant === undefined) await assertNotOnlyTenants(places, { signal })
      const entryOf = ({ erasures }: RepositoryScope): ErasureEntry => {
        return { id, at, store, entity, table, subject: erasures.subject({ store, entity }, text), by, reason }
      }
      const parts = { repositories, stores, schema, clock, logger, read: readChunks({ repositories }, { signal }) }
      const look = { scope: tenant, signal, memory: new Map<string, boolean>(), ledgerOf: withEntry(entryOf) }
      const holding = rewrite ? await lookForErased(parts, parts.read, look) : null
      const held = holding?.holding.filter(({ holds }) => holds.length > 0) ?? []
      if (held.length > 0 && !keepHeld && !dryRun) throw heldError(held)
      if (!dryRun) for (const { scope } of places) await scope.erasures.write(entryOf(scope), { signal })
      const found = await findSubject(places, { store, entity, table, key: text }, parts, { signal })
      const outcome = holding && !dryRun ? await rewriteErased(parts, holding, { reason: `erasure ${id}`, by: by ?? undefined }, look) : null
      const rewritten = holding && (await rewriteReport({ found: holding, outcome, places, clock }, { scope: tenant, signal }))
      const tenants = tenant === undefined && (await hasTenants(places, { signal }))
      const whose = tenant !== undefined ? ' of this tenant' : tenants ? ' of plans without tenants' : ''
      const elsewhere = tenant !== undefined ? [OTHER_TENANTS] : tenants ? [TENANTS] : []
      return {
        id: dryRun ? null : id,
        at,
        store,
        entity,
        buckets: places.map(({ bucket }) => bucket),
        found,
        hidden: `${HIDDEN}${whose}.`,
        remains: [...elsewhere, ...(rewritten ? [LIVE, ...remainsOf(rewritten), COPIES] : REMAINS)],
        rewrite: rewritten,
      }
    },
    async list({ scope, ...options } = {}) {
      const found = new Map<string, ErasureEntry>()
      for await (const { repository } of repositories.all(options))
        for await (const entry of repository.scopeOf(scope).erasures.list(options)) found.set(entry.id, entry)
      return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
    },
  }
}

function assertFlags({ rewrite = false, dryRun = false, keepHeld = false }: EraseOptions): void {
  for (const [name, flag] of Object.entries({ rewrite, dryRun, keepHeld })) {
    if (typeof flag !== 'boolean') throw new HoldfastError('E_CONFIG', `\`${name}\` is ${JSON.stringify(flag)}; expected true or false`)
    if (flag && !rewrite) throw new HoldfastError('E_CONFIG', `\`${name}\` goes with \`rewrite: true\``)
  }
}

/** Where something of the tenant is stored. A mistyped tenant would take the entry, and nothing be left out. */
async function placesOf(repositories: BucketRepositories, { scope: tenant, signal }: ScopeOption): Promise<readonly ErasurePlace[]> {
  const places: ErasurePlace[] = []
  for await (const { bucket, repository } of repositories.all({ signal })) {
    const scope = repository.scopeOf(tenant)
    if (scope.id === null || (await repository.scopes.has(scope.id, { signal }))) places.push({ bucket, repository, scope })
  }
  if (places.length > 0) return places
  if (tenant !== undefined) throw new HoldfastError('E_SCOPE', 'no bucket holds anything of that tenant, so there is nothing to keep a record out of')
  throw new HoldfastError('E_ARCHIVE_MISSING', 'no bucket holds a repository, so there is nothing to keep a record out of')
}

async function hasTenants(places: readonly ErasurePlace[], options: AbortableOptions): Promise<boolean> {
  for (const { repository } of places) for await (const _ of repository.scopes.list(options)) return true
  return false
}

/** An entry among those of plans without tenants would keep nothing out. @throws `E_SCOPE` when all that is stored belongs to tenants */
async function assertNotOnlyTenants(places: readonly ErasurePlace[], options: AbortableOptions): Promise<void> {
  for (const { scope } of places) {
    for await (const _ of scope.listSnapshots(options)) return
    for await (const _ of scope.sessions.list(options)) return
  }
  if (!(await hasTenants(places, options))) return
  throw new HoldfastError('E_SCOPE', 'all that is stored belongs to tenants, and each has a ledger of its own: nothing was erased', {
    hint: 'Name the tenant with `scope` (`--scope`), once for each that holds the record.',
  })
}

/** The ledger as it is now, with the entry, for as long as a run takes. */
function withEntry(entryOf: (scope: RepositoryScope) => ErasureEntry): NonNullable<LookForErasedOptions['ledgerOf']> {
  const ledgers = new Map<string, Promise<readonly ErasureEntry[]>>()
  return ({ id, prefix }, scope) => ({
    ...scope.erasures,
    async *list(options) {
      const place = JSON.stringify([id, prefix, scope.id])
      const entries = ledgers.get(place) ?? entriesOf(scope, options)
      ledgers.set(place, entries)
      yield* await entries
      yield entryOf(scope)
    },
  })
}

async function entriesOf({ erasures }: RepositoryScope, options?: AbortableOptions): Promise<readonly ErasureEntry[]> {
  const entries: ErasureEntry[] = []
  for await (const entry of erasures.list(options)) entries.push(entry)
  return entries
}

function heldError(held: readonly HoldingSnapshot[]): HoldfastError {
  const ids = held.map(({ id }) => id)
  return new HoldfastError('E_SNAPSHOT_HELD', `nothing was changed: of the snapshots that would be rewritten are held ${ids.join(', ')}`, {
    hint: 'Release their holds, or leave them as they are: `keepHeld: true`, `--keep-held`.',
    details: { snapshots: ids },
  })
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
