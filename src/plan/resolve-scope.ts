import type { EntityMapping, ReferenceDescriptor } from '../contracts/entity-descriptor.ts'
import type { OwnerStep, RowOwner } from '../contracts/row-owner.ts'
import type { BackupPlan } from './backup-plan.ts'
import type { EntityIndex } from './entity-index.ts'
import { isPlainObject } from './frozen-copy.ts'
import { PlanProblem } from './plan-problem.ts'
import type { PlanInclusion, PlanOmission } from './plan-resolution.ts'
import type { ResolvedScope } from './plan-scope.ts'

export interface ScopedInclusions {
  readonly scope: ResolvedScope | null
  readonly inclusions: readonly PlanInclusion[]
  /** Shared entities that the plan leaves out. */
  readonly omissions: readonly PlanOmission[]
}

export interface ResolveScopeOptions {
  readonly plan: BackupPlan
  readonly inclusions: readonly PlanInclusion[]
  /** `tenantThrough` as declared, by store and entity. */
  readonly through: ReadonlyMap<PlanInclusion, { readonly property: string; readonly path: string }>
  readonly index: EntityIndex
  readonly problems: PlanProblem[]
}

/** Finds for every entity of a scoped plan how its rows lead to their tenant. Whatever is left without a way and without a rule is a problem: no table is taken whole in silence. */
export function resolveScope(options: ResolveScopeOptions): ScopedInclusions {
  const { plan, inclusions, through, problems } = options
  const scope = declaredScope(plan, problems)
  if (scope?.by !== 'column') {
    for (const { property, path } of through.values()) {
      problems.push(new PlanProblem(path, property, 'the plan has no scope by column', "Give the plan `scope: { by: 'column' }`, or leave it out"))
    }
    return { scope, inclusions, omissions: [] }
  }
  const owners = ownersOf(options)
  const shared = plan.scope?.by === 'column' ? plan.scope.shared : undefined
  const bare = inclusions.filter((inclusion) => !owners.has(inclusion))
  if (shared === undefined && !problems.some(({ path }) => path.endsWith('.tenantThrough'))) {
    for (const { entity } of bare) {
      problems.push(
        new PlanProblem(
          'scope.shared',
          entity,
          'it has no tenant property and no foreign key leads from it to an entity that has one, so its rows are of all tenants',
          "Mark its tenant property, or say `shared: 'include'` or 'exclude'",
        ),
      )
    }
  }
  if (bare.length === inclusions.length) {
    problems.push(new PlanProblem('scope', 'column', 'no entity of the plan has a tenant property', 'Mark one by @TenantProperty or `tenant`'))
  }
  const scoped = inclusions.map((inclusion): PlanInclusion => {
    const owner = owners.get(inclusion)
    return owner ? { ...inclusion, owner } : { ...inclusion, shared: true }
  })
  if (shared !== 'exclude') return { scope, inclusions: scoped, omissions: [] }
  return {
    scope,
    inclusions: scoped.filter((inclusion) => !inclusion.shared),
    omissions: bare.map(({ store, entity }) => ({ store, entity, reason: 'its rows are of all tenants (`shared`)' })),
  }
}

function declaredScope({ scope }: BackupPlan, problems: PlanProblem[]): ResolvedScope | null {
  if (scope === undefined) return null
  const report = (path: string, value: unknown, problem: string, remedy: string) => void problems.push(new PlanProblem(path, value, problem, remedy))
  const found: unknown = scope
  if (!isPlainObject(found) || (found.by !== 'column' && found.by !== 'store')) {
    report('scope', found, 'not a scope', "Give { by: 'column' } or { by: 'store', stores }")
    return null
  }
  const known = found.by === 'column' ? ['by', 'shared'] : ['by', 'stores']
  for (const name of Object.keys(found)) if (!known.includes(name)) report(`scope.${name}`, found[name], 'no such member', `Known members: ${known.join(', ')}`)
  if (scope.by === 'store') {
    if (typeof scope.stores !== 'function') report('scope.stores', scope.stores, 'not a function', 'Give a function from the tenant to its stores')
    return { by: 'store', stores: scope.stores }
  }
  if (scope.shared !== undefined && scope.shared !== 'include' && scope.shared !== 'exclude')
    report('scope.shared', scope.shared, 'not a rule', "Say 'include' or 'exclude'")
  return { by: 'column' }
}

/**
 * Breadth first from the entities with a tenant property, so that each gets its shortest way. Two foreign keys that lead there equally fast may lead to different tenants: then the
 * plan must say by which a row belongs.
 */
function ownersOf({ inclusions, through, index, problems }: ResolveScopeOptions): Map<PlanInclusion, RowOwner> {
  const owners = new Map<PlanInclusion, RowOwner>()
  for (const inclusion of inclusions) if (inclusion.tenant !== null) owners.set(inclusion, { path: [], field: inclusion.tenant })
  const left = new Set(inclusions.filter((inclusion) => !owners.has(inclusion)))
  const refused = new Set<PlanInclusion>()
  for (const [inclusion, { property, path }] of through) {
    if (owners.has(inclusion))
      problems.push(new PlanProblem(path, property, `${inclusion.entity} has the tenant property "${inclusion.tenant}"`, 'Keep one of the two'))
    else if (stepsOf(inclusion, inclusions, index).every(({ step }) => !isThrough(step, property))) {
      refused.add(inclusion)
      problems.push(
        new PlanProblem(
          path,
          property,
          `no foreign key of that property leads from ${inclusion.entity} to the key of an entity of the plan`,
          'Name one that does',
        ),
      )
    }
  }
  for (let found = true; found;) {
    found = false
    const reached = new Map<PlanInclusion, RowOwner>()
    for (const inclusion of left) {
      if (refused.has(inclusion)) continue
      const property = through.get(inclusion)?.property
      const ways = stepsOf(inclusion, inclusions, index).filter(
        ({ step, parent }) => owners.has(parent) && (property === undefined || isThrough(step, property)),
      )
      const [way, ...others] = ways
      if (!way) continue
      if (others.length > 0) {
        refused.add(inclusion)
        problems.push(
          new PlanProblem(
            `${inclusion.entity}.tenantThrough`,
            inclusion.entity,
            `several foreign keys lead to a tenant: ${ways.map(({ step }) => step.fields.join(', ')).join('; ')}`,
            'Say by which a row belongs to its tenant: `tenantThrough`',
          ),
        )
        continue
      }
      const parent = owners.get(way.parent)!
      reached.set(inclusion, { path: [way.step, ...parent.path], field: parent.field })
    }
    for (const [inclusion, owner] of reached) {
      owners.set(inclusion, owner)
      left.delete(inclusion)
      found = true
    }
  }
  return owners
}

interface Way {
  readonly step: OwnerStep
  readonly parent: PlanInclusion
}

/** Foreign keys to the whole key of another entity of the plan. */
function stepsOf(inclusion: PlanInclusion, inclusions: readonly PlanInclusion[], index: EntityIndex): Way[] {
  const mapping = index.byName(inclusion.store, inclusion.entity)
  const ways = (mapping?.references ?? []).flatMap((reference): Way[] => {
    const target = reference.entity === undefined ? null : index.byName(inclusion.store, reference.entity)
    const parent = target && inclusions.find(({ store, entity }) => store === inclusion.store && entity === target.name)
    // Where only some rows go by it, the others would be nobody's.
    if (!target || !parent || parent === inclusion || reference.when || reference.fields.some((field) => inclusion.ignore.includes(field))) return []
    const references = keyPaths(reference, target)
    return references ? [{ step: { fields: [...reference.fields], entity: target.name, references }, parent }] : []
  })
  return [...new Map(ways.map((way) => [JSON.stringify(way.step), way])).values()]
}

/** The paths of the referenced columns; null unless they are the whole key, so that each row leads to one row at most. */
function keyPaths({ columns }: ReferenceDescriptor, { fields, key }: EntityMapping): readonly string[] | null {
  const paths = columns.map((column) => fields.find((field) => field.column.toLowerCase() === column.toLowerCase())?.path)
  return paths.length === key.length && paths.every((path) => path !== undefined && key.includes(path)) ? (paths as string[]) : null
}

/** The property of the foreign key, or one of its columns where each is a property of its own. */
function isThrough({ fields }: OwnerStep, property: string): boolean {
  return fields.includes(property) || fields.every((field) => field.startsWith(`${property}.`))
}
