import { flatWhere } from '../compare/where.ts'
import type { EntityMapping } from '../contracts/entity-descriptor.ts'
import type { EntityStore } from '../contracts/entity-store.ts'
import type { SchemaChange } from '../evolution/index.ts'
import { HoldfastError, isHoldfastError } from '../kernel/errors.ts'
import { assertKnownOptions } from '../kernel/known-options.ts'
import { EntityIndex } from '../plan/entity-index.ts'
import { type EntityReference, referenceFacts } from '../plan/entity-reference.ts'
import { type IBackupPlanRegistry, PlanProblem, type ResolvedPlan } from '../plan/index.ts'
import { suggest } from '../plan/name-list.ts'
import {
  checkRequest,
  differencesFrom,
  NAMED_RESTORE_OPTIONS,
  type NamedRestore,
  type NamedRestoreOptions,
  requestOfNamed,
  type RestoreRequest,
  type RowPick,
} from '../restore/index.ts'

/** The restores that an application has declared. */
export interface NamedRestores {
  list(): readonly NamedRestore[]
  /** @throws `E_RESTORE_UNKNOWN`, `E_SCOPE`, `E_CONFIG` */
  request(id: string, options?: NamedRestoreOptions): RestoreRequest
  /** Nobody finds a name in the history of what was not done. @throws `E_RESTORE_UNKNOWN`, `E_CONFIG` for a request that says it is a named restore, and is another */
  assertIs(request: RestoreRequest): void
}

export interface NamedRestoresOptions {
  readonly stores: ReadonlyMap<string, EntityStore>
  readonly plans: IBackupPlanRegistry
  readonly schema: readonly SchemaChange[]
  readonly masking: boolean
}

const ID = /^[a-z0-9][a-z0-9-]{0,62}$/

/** @throws `E_CONFIG` with every problem of every restore: a bad moment is none to find them out at */
export function namedRestores(declared: readonly NamedRestore[], options: NamedRestoresOptions): NamedRestores {
  const problems = Array.isArray(declared)
    ? declared.flatMap((restore, at) => problemsOf(restore, `restores[${at}]`, declared.slice(0, at), options))
    : [new PlanProblem('restores', declared, 'no list', 'Give a list: [defineRestore({ … })]')]
  if (problems.length > 0) {
    const list = problems.map((problem, at) => `\n  ${at + 1}. ${String(problem)}`).join('')
    throw new HoldfastError('E_CONFIG', `the named restores have ${problems.length === 1 ? '1 problem' : `${problems.length} problems`}:${list}`, {
      details: { problems },
    })
  }
  const byId = new Map(declared.map((restore) => [restore.id, restore]))
  const find = (id: string): NamedRestore => {
    const restore = byId.get(id)
    if (!restore) throw new HoldfastError('E_RESTORE_UNKNOWN', `no restore "${id}" is declared`, { hint: `${suggest(id, byId.keys(), 'named restores')}.` })
    return restore
  }
  return {
    list: () => [...declared],
    assertIs(request) {
      if (typeof request?.name !== 'string') return
      const others = differencesFrom(find(request.name), request)
      if (others.length === 0) return
      throw new HoldfastError('E_CONFIG', `\`name\` says that this is the restore "${request.name}", which declares another ${others.join(', ')}`, {
        hint: 'Leave `name` out, or restore what `restores.named` gives, as it is.',
      })
    },
    request(id, said = {}) {
      assertKnownOptions(said, ['at', 'scope', 'targetScope', 'dryRun', 'by'] satisfies (keyof NamedRestoreOptions)[], 'a named restore')
      const restore = find(id)
      const { scope } = options.plans.resolved(restore.plan)
      if ((scope === undefined) !== (said.scope === undefined)) {
        throw new HoldfastError(
          'E_SCOPE',
          scope ? `plan "${restore.plan}" backs up one tenant a run, and no \`scope\` is given` : `plan "${restore.plan}" knows no tenants`,
        )
      }
      return requestOfNamed(restore, said)
    },
  }
}

function problemsOf(restore: NamedRestore, at: string, before: readonly NamedRestore[], options: NamedRestoresOptions): PlanProblem[] {
  if (typeof restore !== 'object' || restore === null) return [new PlanProblem(at, restore, 'no named restore', 'Make it with defineRestore()')]
  const { id, description, plan } = restore
  const problems: PlanProblem[] = []
  const report = (path: string, value: unknown, problem: string, remedy: string) => problems.push(new PlanProblem(`${at}.${path}`, value, problem, remedy))
  if (typeof id !== 'string' || !ID.test(id)) report('id', id, 'no id', 'Use 1 to 63 of a-z, 0-9 and -, not beginning with -')
  else if (before.some((other) => other?.id === id)) report('id', id, 'it is declared twice', 'Give each an id of its own')
  if (typeof description !== 'string' || description.trim() === '')
    report('description', description, 'no description', 'Say in a line what it brings back, and when to run it')
  const isSound = attempt(
    () => {
      assertKnownOptions(restore, NAMED_RESTORE_OPTIONS, 'a named restore')
      const { name: _name, ...request } = requestOfNamed(restore)
      checkRequest(request)
    },
    (problem, remedy) => report('declaration', null, problem, remedy),
  )
  if (!isSound) return problems
  if (typeof plan !== 'string') {
    report('plan', plan, 'no plan', 'Name the plan whose snapshots are meant')
    return problems
  }
  if (!options.plans.has(plan)) {
    const known = options.plans.list().map((each) => each.id)
    report('plan', plan, 'no such plan', suggest(plan, known, 'plans'))
    return problems
  }
  const resolved = options.plans.resolved(plan)
  const find = finder(resolved, options)
  for (const [place, name] of (restore.entities ?? []).entries()) find(name, (problem, remedy) => report(`entities[${place}]`, name, problem, remedy))
  for (const [place, pick] of (restore.select ?? []).entries()) {
    const mapping = find(pick.entity, (problem, remedy) => report(`select[${place}].entity`, pick.entity, problem, remedy))
    if (mapping)
      attempt(
        () => flatWhere(mapping, pick.where ?? {}),
        (problem, remedy) => report(`select[${place}].where`, null, problem, remedy),
      )
    for (const path of mapping ? unknownPaths(pick, mapping) : [])
      report(
        `select[${place}]`,
        path,
        `${mapping!.name} has no such property`,
        suggest(
          path,
          mapping!.fields.map((field) => field.path),
          'properties',
        ),
      )
  }
  const { children } = restore.related ?? {}
  for (const name of Array.isArray(children) ? (children as readonly string[]) : [])
    find(name, (problem, remedy) => report('related.children', name, problem, remedy))
  const sources = [...new Set(resolved.entities.map(({ store }) => store))]
  for (const [from, to] of Object.entries(restore.into ?? {})) {
    if (!sources.includes(from)) report(`into.${from}`, from, `plan "${plan}" backs up no such store`, suggest(from, sources, 'stores'))
    if (!options.stores.has(to)) report(`into.${from}`, to, 'no such store', suggest(to, options.stores.keys(), 'stores'))
  }
  if (restore.mask && !options.masking) report('mask', true, 'nothing says how values are masked', 'Give createHoldfast `masking`')
  return problems
}

type Report = (problem: string, remedy: string) => void

/** Whether it went well; what it throws is reported without the code, which is that of the whole. */
function attempt(check: () => unknown, report: Report): boolean {
  try {
    check()
    return true
  } catch (error) {
    if (!isHoldfastError(error)) throw error
    report(error.message.replace(/^E_[A-Z]+: /, ''), error.hint.replace(/\.$/, ''))
    return false
  }
}

/** Entities by what they are called today, or were called in older snapshots, of which nothing more is known here. */
function finder(
  { id, entities }: ResolvedPlan,
  { stores, schema }: NamedRestoresOptions,
): (reference: EntityReference, report: Report) => EntityMapping | null {
  const index = new EntityIndex([...stores.values()])
  const older = new Set(
    schema.flatMap((change) => (change.kind === 'renamed' && change.entity !== undefined ? [change.entity] : change.kind === 'removed' ? [change.name] : [])),
  )
  return (reference, report) => {
    const facts = referenceFacts(reference)
    const names = entities.map(({ entity }) => entity)
    const found =
      typeof reference === 'string'
        ? entities.find(({ store, entity }) => entity === reference || `${store}.${entity}` === reference)
        : index
            .locate(facts ?? { name: '', targets: [] }, null)
            .flatMap((located) =>
              located.child === null ? entities.filter(({ store, entity }) => store === located.store && entity === located.mapping.name) : [],
            )[0]
    if (found) return index.byName(found.store, found.entity)
    if (typeof reference !== 'string' || !older.has(reference))
      report(`plan "${id}" backs up no such entity`, suggest(facts?.name ?? '', names, 'entities of the plan'))
    return null
  }
}

function unknownPaths({ fields = [] }: RowPick, mapping: EntityMapping): string[] {
  return fields.filter((path) => !mapping.fields.some((field) => field.path === path))
}
