import type { EntityMapping } from '../contracts/entity-descriptor.ts'
import type { IgnoredField } from './plan-resolution.ts'
import { suggest } from './name-list.ts'
import { PlanProblem } from './plan-problem.ts'

/** That one place, an option or a decorator, says something of a property. */
export interface FieldClaim {
  readonly says: 'ignore' | 'sensitive' | 'tenant' | 'cursor'
  readonly property: string
  /** Where it is said, and what stands there, for the problem. */
  readonly path: string
  readonly found: string
  readonly reason: string | null
  /** True where another table may hold the property instead (a decorator of a superclass that is an entity itself). */
  readonly elsewhere: boolean
}

export interface ResolvedFields {
  readonly ignored: readonly IgnoredField[]
  readonly sensitive: readonly string[]
  readonly tenant: string | null
  readonly cursor: string | null
}

/** Turns what was said of properties into field paths of the mapping, sorted, so that the order of saying changes no digest. */
export function resolveFields(entity: EntityMapping, claims: readonly FieldClaim[], problems: PlanProblem[]): ResolvedFields {
  const ignored = new Map<string, string | null>()
  const sensitive = new Set<string>()
  const tenants = new Map<string, FieldClaim>()
  const cursors = new Map<string, FieldClaim>()
  for (const claim of claims) {
    const fields = fieldsAt(entity, claim.property)
    const refusal = fields.length === 0 ? unknownProperty(entity, claim) : refuse(entity, claim, fields)
    if (refusal) {
      problems.push(refusal)
      continue
    }
    for (const field of fields) {
      if (claim.says === 'ignore') ignored.set(field, claim.reason ?? ignored.get(field) ?? null)
      if (claim.says === 'sensitive') sensitive.add(field)
      if (claim.says === 'tenant') tenants.set(field, claim)
      if (claim.says === 'cursor') cursors.set(field, claim)
    }
  }
  return {
    ignored: [...ignored].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, reason]) => ({ path, reason })),
    sensitive: [...sensitive].filter((field) => !ignored.has(field)).sort(),
    tenant: oneField('tenant property', entity, tenants, ignored, problems),
    cursor: oneField('cursor', entity, cursors, ignored, problems),
  }
}

/** A path stands for its own column and for every column below it. */
function fieldsAt(entity: EntityMapping, property: string): string[] {
  return entity.fields.map((field) => field.path).filter((path) => path === property || path.startsWith(`${property}.`))
}

function unknownProperty(entity: EntityMapping, claim: FieldClaim): PlanProblem | null {
  if (claim.elsewhere) return null
  const known = entity.fields.map((field) => field.path)
  return new PlanProblem(claim.path, claim.found, `${entity.name} persists no property "${claim.property}"`, suggest(claim.property, known, 'properties'))
}

function refuse(entity: EntityMapping, claim: FieldClaim, fields: readonly string[]): PlanProblem | null {
  const refused = (problem: string, remedy: string) => new PlanProblem(claim.path, claim.found, problem, remedy)
  const key = fields.find((field) => entity.key.includes(field))
  if (claim.says === 'tenant') {
    return fields.length === 1
      ? null
      : refused(`"${claim.property}" of ${entity.name} is ${fields.length} columns`, `Name the one that tells the tenant: ${fields.join(', ')}`)
  }
  if (claim.says === 'cursor') {
    if (fields.length > 1)
      return refused(`"${claim.property}" of ${entity.name} is ${fields.length} columns`, `Name the one that every write moves: ${fields.join(', ')}`)
    return key === undefined ? null : refused(`"${key}" is part of the key of ${entity.name}, which writes leave as it is`, 'Name a version or an updated-at')
  }
  if (claim.says === 'sensitive') {
    return key === undefined
      ? null
      : refused(`"${key}" is part of the key of ${entity.name}, and keys name records in manifests and diagnostics`, 'Leave key properties out')
  }
  if (key !== undefined)
    return refused(`"${key}" is part of the key of ${entity.name}; without it no record can be told from another`, 'Leave key properties in')
  const version = fields.find((field) => field === entity.version)
  if (version !== undefined)
    return refused(`"${version}" is the version of ${entity.name}, by which a restore tells newer from older`, 'Leave the version property in')
  const discriminator = fields.find((field) => field === entity.discriminator?.field)
  if (discriminator !== undefined) return refused(`"${discriminator}" tells the classes in the table of ${entity.name} apart`, 'Leave the discriminator in')
  return null
}

function oneField(
  what: string,
  entity: EntityMapping,
  said: ReadonlyMap<string, FieldClaim>,
  ignored: ReadonlyMap<string, string | null>,
  problems: PlanProblem[],
): string | null {
  const [first, ...others] = [...said]
  if (!first) return null
  const [field, claim] = first
  for (const [other, { path, found }] of others) {
    problems.push(
      new PlanProblem(
        path,
        found,
        `${entity.name} has two ${what === 'cursor' ? 'cursors' : 'tenant properties'}, "${field}" and "${other}"`,
        'Keep one of them',
      ),
    )
  }
  if (ignored.has(field)) problems.push(new PlanProblem(claim.path, claim.found, `the ${what} "${field}" of ${entity.name} is ignored`, `Leave the ${what} in`))
  return field
}
