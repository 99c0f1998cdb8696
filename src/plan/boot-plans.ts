import { didYouMean } from '../kernel/did-you-mean.ts'
import type { BackupPlan } from './backup-plan.ts'
import type { BackupRegistrar } from './backup-registrar.ts'
import { BootReport, type BootModule, type BootPlan } from './boot-report.ts'
import { entityMarks } from './entity-claims.ts'
import type { MappedStore } from './entity-index.ts'
import { inventory } from './inventory.ts'
import { suggest } from './name-list.ts'
import { PlanRegistry, type IBackupPlanRegistry } from './plan-registry.ts'
import { PlanProblem, planInvalid } from './plan-problem.ts'
import { inspectPlan } from './resolve-plan.ts'
import { NOTHING_DECORATED } from './select-entities.ts'

export interface BootPlansOptions {
  readonly plans?: readonly BackupPlan[]
  readonly registrars?: readonly BackupRegistrar[]
  readonly stores: readonly MappedStore[]
  /** Names of the storage buckets. */
  readonly buckets: readonly string[]
}

export interface PlanBoot {
  /** Closed. */
  readonly registry: IBackupPlanRegistry
  readonly report: BootReport
}

/** Stands for a module where plans were handed over as `plans`. */
const HANDED_OVER = 'application'

/**
 * Collects the plans of all modules, resolves them and closes the registry. Throws one `E_PLAN_INVALID` with every problem of every plan
 * (`details.problems`; `details.report`, which is not printed, is the report).
 */
export async function bootPlans(options: BootPlansOptions): Promise<PlanBoot> {
  const { boot, cause } = await boots(options)
  const { problems } = boot.report
  // Not enumerable: whoever wants the report can have it, but a log of the error is not to be buried under it.
  if (problems.length > 0) throw planInvalid('the declaration', problems, cause, Object.defineProperty({ problems }, 'report', { value: boot.report }))
  return boot
}

/** As `bootPlans`, but problems are only reported: for a doctor's eyes. */
export async function inspectPlans(options: BootPlansOptions): Promise<PlanBoot> {
  return (await boots(options)).boot
}

async function boots({ plans = [], registrars = [], stores, buckets }: BootPlansOptions): Promise<{ boot: PlanBoot; cause: unknown }> {
  const registry = new PlanRegistry()
  const own = registry.forModule(HANDED_OVER)
  for (const plan of plans) own.register(plan)
  const { modules, problems, cause } = await runRegistrars(registrars, registry)
  problems.push(...registry.problems, ...storeProblems(stores))

  const resolved: BootPlan[] = []
  const misspelt = misspeltPlans(
    stores,
    registry.registered.map(({ plan }) => plan.id),
  )
  for (const { plan, module } of registry.registered) {
    const inspection = inspectPlan(plan, stores, buckets)
    // That no class is decorated for it follows from the misspelling, which is reported where it stands.
    const own = inspection.problems.filter(({ value }) => !(value === NOTHING_DECORATED && misspelt.has(plan.id)))
    problems.push(...own.map((problem) => problem.within(`plan ${plan.id}`)))
    if (inspection.resolution) resolved.push({ ...inspection.resolution, module })
  }
  problems.push(
    ...strayMarks(
      stores,
      registry.registered.map(({ plan }) => plan),
      resolved,
    ),
  )
  const list = inventory(stores, resolved)
  // While plans have problems, what they would have covered is not known, and warning of it would bury them.
  const uncovered = problems.length === 0 ? list.warnings : []
  const warnings = [...resolved.flatMap((plan) => plan.warnings.map((warning) => warning.within(`plan ${plan.plan.id}`))), ...uncovered]
  registry.close(new Map(resolved.map(({ plan }) => [plan.id, plan])))
  return { boot: { registry: own, report: new BootReport({ modules, plans: resolved, inventory: list, warnings, problems }) }, cause }
}

async function runRegistrars(
  registrars: readonly BackupRegistrar[],
  registry: PlanRegistry,
): Promise<{ modules: BootModule[]; problems: PlanProblem[]; cause: unknown }> {
  const problems: PlanProblem[] = []
  const described = new Map<string, string>()
  let cause: unknown
  for (const [position, registrar] of registrars.entries()) {
    const path = `registrars[${position}]`
    const { moduleName } = registrar
    if (typeof moduleName !== 'string' || moduleName.trim() === '') {
      problems.push(new PlanProblem(`${path}.moduleName`, moduleName, 'a registrar without a module name', 'Name the module'))
      continue
    }
    if (described.has(moduleName)) {
      problems.push(new PlanProblem(`${path}.moduleName`, moduleName, 'two registrars of one module name', 'Give each module a name of its own'))
      continue
    }
    try {
      described.set(moduleName, registrar.describe())
      await registrar.register(registry.forModule(moduleName))
    } catch (error) {
      cause ??= error
      problems.push(new PlanProblem(path, moduleName, `it failed: ${error instanceof Error ? error.message : String(error)}`, 'See the cause of the error'))
    }
  }
  const modules = [...described].map(([name, description]): BootModule => ({
    name,
    description,
    plans: registry.registered.filter((plan) => plan.module === name).map(({ plan }) => plan.id),
  }))
  return { modules, problems, cause }
}

function storeProblems(stores: readonly MappedStore[]): PlanProblem[] {
  return stores.flatMap(({ name }, position) =>
    stores.findIndex((store) => store.name === name) === position
      ? []
      : [new PlanProblem(`stores[${position}].name`, name, 'two stores of one name', 'Give each store a name of its own')],
  )
}

/** The plans that were meant by marks for plans that do not exist. */
function misspeltPlans(stores: readonly MappedStore[], known: readonly string[]): ReadonlySet<string> {
  const ids = stores.flatMap(({ mapping }) => mapping.entities.flatMap((entity) => entityMarks(entity).flatMap(({ mark }) => mark.plans ?? [])))
  return new Set(ids.filter((id) => !known.includes(id)).flatMap((id) => didYouMean(id, known) ?? []))
}

/** A class decorated for a plan that does not exist, or that does not take it, is a class that somebody believes to be backed up. */
function strayMarks(stores: readonly MappedStore[], plans: readonly BackupPlan[], resolved: readonly BootPlan[]): PlanProblem[] {
  const known = plans.map(({ id }) => id)
  const problems = stores.flatMap(({ mapping }) =>
    mapping.entities.flatMap((entity) =>
      entityMarks(entity).flatMap(({ mark, label }) =>
        (mark.plans ?? []).flatMap((id, position) => {
          const path = `${label}.@BackupEntity.plan[${position}]`
          const plan = plans.find((candidate) => candidate.id === id)
          if (!plan) return [new PlanProblem(path, id, 'no such plan', suggest(id, known, 'plans'))]
          const resolution = resolved.find((candidate) => candidate.plan.id === id)
          if (plan.decorated || !resolution || resolution.plan.entities.some((taken) => taken.entity === entity.name)) return []
          return [new PlanProblem(path, id, 'that plan neither names the class nor collects decorated ones', `Add decorated() to the entities of plan "${id}"`)]
        }),
      ),
    ),
  )
  return [...new Map(problems.map((problem) => [problem.path, problem])).values()]
}
