import { HoldfastError } from '../../../../src/kernel/errors.ts'
import { quoteIdent } from '../quote.ts'
import { refersToKey } from './check-foreign-keys.ts'
import type { FittedItem } from './fit-record.ts'
import type { ForeignKey, TableHook } from './live-table.ts'
import type { TargetTransaction } from './target-session.ts'

/** What keeps triggers and foreign keys from acting on half-written tables, and how it is put back before COMMIT. All of it is transactional. */
export interface Silence {
  /**
   * `session_replication_role = replica` in this transaction: no trigger fires, foreign keys' included, and foreign keys are checked by query
   * before COMMIT. Otherwise foreign keys stay on, deferred where need be.
   */
  readonly replica: boolean
  /** Foreign keys whose columns are written in a second pass, when all rows are there; by OID. */
  readonly patched: ReadonlySet<string>
  /** Foreign keys to columns beside the key that stay on throughout: an update of a value that rows refer to would be refused half-way. By OID. */
  readonly standing: ReadonlySet<string>
  /** For the report. */
  readonly names: readonly string[]
  begin(tx: TargetTransaction): Promise<void>
  /** Something else to be put back. */
  later(statement: string, name: string): void
  putBack(tx: TargetTransaction): Promise<void>
}

/**
 * Decides how to silence, from what the role may do, before anything is touched.
 *
 * @throws `E_PERMISSION` naming triggers that cannot be silenced, or foreign keys of a cycle that can neither be deferred nor patched.
 */
export function planSilence(items: readonly FittedItem[], mayReplicate: boolean): Silence {
  const hooks = items.flatMap(({ live }) => live.hooks)
  // Replica mode takes no row locks on parents, so tables outside the restore that its checks read must be locked as a whole.
  const replica =
    mayReplicate &&
    unsilenced(hooks, true).length === 0 &&
    outsideTables(items).every(({ lockable }) => lockable) &&
    !items.some(({ live }) => live.deferrableExclusion)
  const stubborn = unsilenced(hooks, replica)
  if (stubborn.length > 0) {
    const names = stubborn.map(({ kind, name, table }) => `${kind} ${quoteIdent(name)} on ${table}`)
    throw new HoldfastError('E_PERMISSION', `would fire during the restore, and this role may not switch them off: ${names.join(', ')}`, {
      hint: 'Restore as the owner of the tables or as a superuser, or GRANT SET ON PARAMETER session_replication_role to the role (PostgreSQL 15 and later).',
      details: { triggers: names },
    })
  }
  return replica ? replicaSilence(items) : ownerSilence(items)
}

/** Tables that are not restored, but that foreign keys of the restore's tables tie to them. */
export function outsideTables(items: readonly FittedItem[]): readonly { readonly oid: string; readonly table: string; readonly lockable: boolean }[] {
  const inside = new Set(items.map(({ live }) => live.oid))
  return items.flatMap((item) => [
    ...item.live.references
      .filter(({ parent }) => !inside.has(parent))
      .map(({ parent, parentTable, parentLockable }) => ({ oid: parent, table: parentTable, lockable: parentLockable })),
    ...item.live.referencedBy
      .filter((key) => !inside.has(key.child) && (!refersToKey(key, item) || mayDelete(item)))
      .map(({ child, childTable, childLockable }) => ({ oid: child, table: childTable, lockable: childLockable })),
  ])
}

/** A row that goes takes with it what other rows refer to. */
const mayDelete = ({ item }: FittedItem): boolean => item.deleteExtra === true || item.deleteFrom !== undefined

const firing = (hooks: readonly TableHook[], replica: boolean) => hooks.filter(({ fires }) => fires === 'A' || fires === (replica ? 'R' : 'O'))
const unsilenced = (hooks: readonly TableHook[], replica: boolean) => firing(hooks, replica).filter(({ owned }) => !owned)

function replicaSilence(items: readonly FittedItem[]): Silence {
  const silenced = items.flatMap(({ live }) => [
    ...live.hooks.filter(({ fires }) => fires === 'O').map(hookName),
    ...live.references.map(({ name, childTable }) => `foreign key ${quoteIdent(name)} on ${childTable} (checked again before COMMIT)`),
    ...live.referencedBy.map(({ name, childTable }) => `foreign key ${quoteIdent(name)} on ${childTable} (checked again before COMMIT)`),
  ])
  return createSilence(
    { replica: true, patched: new Set(), standing: new Set() },
    [...new Set(silenced)],
    ['SET LOCAL session_replication_role = replica'],
    items.flatMap(({ live }) => disabled(live.hooks, true)),
  )
}

function ownerSilence(items: readonly FittedItem[]): Silence {
  const patched = new Set<string>()
  const standing = new Set<string>()
  const altered: Switch[] = []
  for (const { key, parentFirst } of keysOutOfOrder(items)) {
    if (key.deferrable) continue
    const constraint = `ALTER TABLE ${key.childTable} ALTER CONSTRAINT ${quoteIdent(key.name)}`
    if (key.childOwned)
      altered.push({
        name: `foreign key ${quoteIdent(key.name)} on ${key.childTable} (deferred)`,
        off: `${constraint} DEFERRABLE`,
        on: `${constraint} NOT DEFERRABLE`,
      })
    else if (patchColumns(items, key).length > 0) patched.add(key.oid)
    else if (parentFirst) standing.add(key.oid)
    else {
      throw new HoldfastError(
        'E_PERMISSION',
        `foreign key ${quoteIdent(key.name)} on ${key.childTable} is part of a cycle, and this role may neither silence nor defer it`,
        {
          hint: `Restore as the owner of ${key.childTable} or as a superuser, or make the constraint DEFERRABLE.`,
        },
      )
    }
  }
  return createSilence({ replica: false, patched, standing }, [], [], [...altered, ...items.flatMap(({ live }) => disabled(live.hooks, false))])
}

/** Foreign keys whose parents may come after their children: members of cycles, and keys to columns that an update may change. */
function keysOutOfOrder(items: readonly FittedItem[]): readonly { readonly key: ForeignKey; readonly parentFirst: boolean }[] {
  return items.flatMap((child, at) =>
    child.live.references.flatMap((key) => {
      const parentAt = items.findIndex(({ live }) => live.oid === key.parent)
      if (parentAt === -1) return []
      // A table that refers to itself is written in one statement, at whose end all its rows are there.
      return parentAt > at || (parentAt < at && !refersToKey(key, items[parentAt]!)) ? [{ key, parentFirst: parentAt < at }] : []
    }),
  )
}

/** Columns of the foreign key that can be NULL until all rows are there; none when that does not make it hold meanwhile. */
export function patchColumns(items: readonly FittedItem[], key: ForeignKey): readonly string[] {
  const child = items.find(({ live }) => live.oid === key.child)
  if (!child) return []
  const free = key.childColumns.filter((column) => {
    const found = child.live.columns.find(({ name }) => name === column)
    return found && !found.notNull && child.fields.some((field) => field.written && field.column === column)
  })
  return key.full && free.length < key.childColumns.length ? [] : free
}

interface Switch {
  readonly name: string
  readonly off: string
  readonly on: string
}

function disabled(hooks: readonly TableHook[], replica: boolean): readonly Switch[] {
  const mode = { O: 'ENABLE', A: 'ENABLE ALWAYS', R: 'ENABLE REPLICA' }
  return firing(hooks, replica).map((hook) => {
    const what = `${hook.kind.toUpperCase()} ${quoteIdent(hook.name)}`
    return { name: hookName(hook), off: `ALTER TABLE ${hook.table} DISABLE ${what}`, on: `ALTER TABLE ${hook.table} ${mode[hook.fires]} ${what}` }
  })
}

const hookName = ({ kind, name, table }: TableHook): string => `${kind} ${quoteIdent(name)} on ${table}`

function createSilence(
  how: Pick<Silence, 'replica' | 'patched' | 'standing'>,
  silenced: readonly string[],
  first: readonly string[],
  switches: readonly Switch[],
): Silence {
  const names = [...silenced, ...switches.map(({ name }) => name)]
  const back = switches.map(({ on }) => on)
  return {
    ...how,
    names,
    async begin(tx) {
      await tx.rows('silencing triggers and constraints', [...switches.map(({ off }) => off), ...first, 'SET CONSTRAINTS ALL DEFERRED'].join('; '))
    },
    later(statement, name) {
      back.push(statement)
      names.push(name)
    },
    async putBack(tx) {
      // What was deferred is checked here; a table with checks outstanding cannot be altered.
      await tx.rows('checking deferred constraints', 'SET CONSTRAINTS ALL IMMEDIATE')
      if (back.length > 0) await tx.rows('putting triggers and constraints back', back.join('; '))
    },
  }
}
