import type { Inventory } from './inventory.ts'
import type { PlanProblem } from './plan-problem.ts'
import type { PlanInclusion, PlanResolution } from './plan-resolution.ts'

export interface BootModule {
  readonly name: string
  readonly description: string
  /** Ids of the plans that it registered. */
  readonly plans: readonly string[]
}

export interface BootPlan extends PlanResolution {
  /** The module that registered it. */
  readonly module: string
}

/** What the boot found, for people (`String(report)`) and for machines (its members). */
export class BootReport {
  readonly modules: readonly BootModule[]
  /** The plans with nothing wrong. */
  readonly plans: readonly BootPlan[]
  readonly inventory: Inventory
  /** Those of the plans, then those of the inventory. They stop nothing. */
  readonly warnings: readonly PlanProblem[]
  /** Any one of them fails the boot. */
  readonly problems: readonly PlanProblem[]

  constructor(facts: Pick<BootReport, 'modules' | 'plans' | 'inventory' | 'warnings' | 'problems'>) {
    this.modules = facts.modules
    this.plans = facts.plans
    this.inventory = facts.inventory
    this.warnings = facts.warnings
    this.problems = facts.problems
    Object.freeze(this)
  }

  toString(): string {
    const { modules, plans, warnings, problems } = this
    const heads = [counted(modules.length, 'module'), counted(plans.length, 'plan'), counted(warnings.length, 'warning'), counted(problems.length, 'problem')]
    return [
      `Holdfast: ${heads.join(', ')}`,
      ...section('Modules', table(modules.map(({ name, description, plans: ids }) => [name, description, ids.length === 0 ? 'no plan' : ids.join(', ')]))),
      ...plans.flatMap(planLines),
      ...section('Excluded', table(excluded(this))),
      ...section('Warnings', warnings.map(String)),
      ...section('Problems', problems.map(String)),
    ].join('\n')
  }
}

function planLines({ plan, module, inclusions, omissions }: BootPlan): string[] {
  const { compression, level, concurrency } = plan.policy
  const policy = compression === 'none' ? 'not compressed' : `${compression} level ${level}`
  const entities = table(inclusions.map((inclusion) => [`${inclusion.store}.${inclusion.entity}`, cause(inclusion), notes(inclusion, plan.bucket)]))
  const left = omissions.map(({ store, entity, reason }) => `without ${store}.${entity}: ${reason}`)
  const title = `Plan ${plan.id}: ${plan.description}`
  return [
    ...section(title, [
      `by ${module}, to bucket ${plan.bucket}, ${policy}, ${counted(concurrency, 'range')} at once, digest ${plan.digest.slice(0, 12)}`,
      ...entities,
      ...left,
    ]),
  ]
}

/** What no plan speaks of, because a decorator or its kind says so. */
function excluded({ plans, inventory }: BootReport): string[][] {
  const told = new Set(plans.flatMap(({ omissions }) => omissions.map(({ store, entity }) => `${store}.${entity}`)))
  return inventory.entities
    .filter(({ state, store, entity }) => state === 'excluded' && !told.has(`${store}.${entity}`))
    .map(({ store, entity, reason }) => [`${store}.${entity}`, reason ?? ''])
}

function cause({ because, owners }: PlanInclusion): string {
  return because === 'junction' || because === 'closure' ? `${because} of ${owners.join(' and ')}` : because
}

function notes({ bucket, ignored, sensitive, tenant, cursor, owner, shared }: PlanInclusion, planBucket: string): string {
  const fields = ignored.map(({ path, reason }) => (reason === null ? path : `${path} (${reason})`))
  return [
    bucket === planBucket ? '' : `to bucket ${bucket}`,
    fields.length === 0 ? '' : `ignores ${fields.join(', ')}`,
    sensitive.length === 0 ? '' : `sensitive ${sensitive.join(', ')}`,
    tenant === null ? '' : `tenant ${tenant}`,
    owner && owner.path.length > 0 ? `tenant through ${owner.path[0]!.fields.join(', ')}` : '',
    shared ? 'of all tenants' : '',
    cursor === undefined ? '' : `changes guessed by ${cursor}`,
  ]
    .filter((note) => note !== '')
    .join('; ')
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)]
}

/** Columns padded to their widest cell; nothing trails. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = []
  for (const row of rows) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
