import { hookProblems } from '../hooks/index.ts'
import type { BackupPlan } from './backup-plan.ts'
import type { EntityOptions, PlanEntity, PlanExclusion } from './entity-options.ts'
import { isPlainObject } from './frozen-copy.ts'
import { suggest } from './name-list.ts'
import { PlanProblem } from './plan-problem.ts'

const PLAN_ID = /^[a-z0-9][a-z0-9-]{0,62}$/

// Records over all member names, so that a member added to a type and forgotten here does not compile.
const PLAN_MEMBERS: Record<keyof BackupPlan, true> = {
  id: true,
  description: true,
  entities: true,
  decorated: true,
  exclude: true,
  bucket: true,
  scope: true,
  policy: true,
  hooks: true,
}
const OPTION_MEMBERS: Record<keyof EntityOptions, true> = {
  ignore: true,
  sensitive: true,
  tenant: true,
  tenantThrough: true,
  cursor: true,
  store: true,
  bucket: true,
}
const ENTITY_MEMBERS: Record<keyof PlanEntity, true> = { entity: true, ...OPTION_MEMBERS }
const EXCLUSION_MEMBERS: Record<keyof PlanExclusion, true> = { entity: true, reason: true, store: true }

/** Problems of the declaration itself, which no store is needed for. Types rule most of them out, but not for plain JavaScript or data. */
export function checkShape(plan: BackupPlan): PlanProblem[] {
  const problems: PlanProblem[] = []
  if (typeof plan.id !== 'string' || !PLAN_ID.test(plan.id)) {
    problems.push(new PlanProblem('id', plan.id, 'not a plan id', 'Use 1 to 63 of a-z, 0-9 and "-", not starting with "-"'))
  }
  if (isBlank(plan.description)) problems.push(new PlanProblem('description', plan.description, 'no description', 'Say in one line what the plan saves'))
  if (plan.bucket !== null && isBlank(plan.bucket)) problems.push(new PlanProblem('bucket', plan.bucket, 'not a bucket name', 'Name a bucket, or leave it out'))
  if (!isPlainObject(plan.policy)) problems.push(new PlanProblem('policy', plan.policy, 'not an object', 'Give an object of policy members, or leave it out'))
  if (plan.hooks !== undefined) {
    for (const { member, value, problem, remedy } of hookProblems(plan.hooks))
      problems.push(new PlanProblem(member === '' ? 'hooks' : `hooks.${member}`, value, problem, remedy))
  }
  unknownMembers(plan, PLAN_MEMBERS, '', problems)
  plan.entities.forEach((entity, index) => checkEntity(entity, `entities[${index}]`, problems))
  plan.exclude.forEach((exclusion, index) => {
    const path = `exclude[${index}]`
    if (!isPlainObject(exclusion)) return problems.push(new PlanProblem(path, exclusion, 'not an exclusion', "Use BackupIgnore.for(Entity, { reason: '…' })"))
    unknownMembers(exclusion, EXCLUSION_MEMBERS, `${path}.`, problems)
    if (isBlank(exclusion.reason))
      problems.push(new PlanProblem(`${path}.reason`, exclusion.reason, 'an entity is excluded without a reason', 'Say why it need not be backed up'))
  })
  return problems
}

function checkEntity(entity: PlanEntity, path: string, problems: PlanProblem[]): void {
  unknownMembers(entity, ENTITY_MEMBERS, `${path}.`, problems)
  for (const name of ['ignore', 'sensitive'] as const) {
    const paths: unknown = entity[name]
    if (paths === undefined) continue
    if (!Array.isArray(paths)) problems.push(new PlanProblem(`${path}.${name}`, paths, 'not a list', 'Give a list of property paths'))
    else
      paths.forEach(
        (value, index) => isBlank(value) && problems.push(new PlanProblem(`${path}.${name}[${index}]`, value, 'not a property path', 'Give the path as text')),
      )
  }
  for (const name of ['tenant', 'tenantThrough', 'cursor', 'store', 'bucket'] as const) {
    if (entity[name] !== undefined && isBlank(entity[name]))
      problems.push(new PlanProblem(`${path}.${name}`, entity[name], 'not a name', 'Give it as text, or leave it out'))
  }
}

function unknownMembers(found: object, known: Readonly<Record<string, true>>, prefix: string, problems: PlanProblem[]): void {
  for (const [name, value] of Object.entries(found)) {
    if (!Object.hasOwn(known, name)) problems.push(new PlanProblem(`${prefix}${name}`, value, 'no such member', suggest(name, Object.keys(known), 'members')))
  }
}

function isBlank(value: unknown): boolean {
  return typeof value !== 'string' || value.trim() === ''
}
