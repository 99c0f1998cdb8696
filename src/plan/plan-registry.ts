import { HoldfastError } from '../kernel/errors.ts'
import type { BackupPlan } from './backup-plan.ts'
import { isPlainObject } from './frozen-copy.ts'
import { suggest } from './name-list.ts'
import { PlanProblem } from './plan-problem.ts'
import type { ResolvedPlan } from './resolved-plan.ts'

/** The plans of an application. Registrars fill it at boot; then it is closed. */
export interface IBackupPlanRegistry {
  /** Two plans of one id fail the boot with `E_PLAN_INVALID`, naming both modules. @throws `E_CONFIG` after boot */
  register(plan: BackupPlan): void
  has(id: string): boolean
  /** @throws `E_PLAN_UNKNOWN`, listing the ids that are registered */
  get(id: string): BackupPlan
  /** In the order of registration. */
  list(): readonly BackupPlan[]
  /** The plan tied to stores, buckets and policy defaults, once the boot is over. @throws `E_PLAN_UNKNOWN`; `E_CONFIG` during boot */
  resolved(id: string): ResolvedPlan
}

/** A plan and the module that registered it. */
export interface RegisteredPlan {
  readonly plan: BackupPlan
  readonly module: string
}

export class PlanRegistry {
  readonly #plans = new Map<string, RegisteredPlan>()
  readonly #problems: PlanProblem[] = []
  #resolved: ReadonlyMap<string, ResolvedPlan> | null = null

  get registered(): readonly RegisteredPlan[] {
    return [...this.#plans.values()]
  }

  /** What went wrong while registering; reported with all other problems at the end of the boot. */
  get problems(): readonly PlanProblem[] {
    return this.#problems
  }

  /** The registry as one module sees it, so that a clash can name both sides. */
  forModule(module: string): IBackupPlanRegistry {
    return Object.freeze({
      register: (plan: BackupPlan) => this.#register(plan, module),
      has: (id: string) => this.#plans.has(id),
      get: (id: string) => this.#get(id).plan,
      list: () => this.registered.map(({ plan }) => plan),
      resolved: (id: string) => this.#getResolved(id),
    })
  }

  /** Ends the boot: nothing can be registered any more, and plans can be had resolved. */
  close(resolved: ReadonlyMap<string, ResolvedPlan>): void {
    this.#resolved = resolved
  }

  #register(plan: BackupPlan, module: string): void {
    if (this.#resolved) {
      throw new HoldfastError('E_CONFIG', `module "${module}" registers plan "${plan.id}" after boot`, {
        hint: 'Register plans in `register` of a BackupRegistrar, or hand them over as `plans`.',
      })
    }
    if (!isPlainObject(plan) || !Array.isArray(plan.entities) || !Array.isArray(plan.exclude)) {
      this.#problems.push(new PlanProblem(`module ${module}`, plan, 'it registers something that is no plan', 'Make plans with definePlan()'))
      return
    }
    const before = this.#plans.get(plan.id)
    if (!before) this.#plans.set(plan.id, { plan, module })
    else {
      const both = before.module === module ? `module "${module}" registers it twice` : `modules "${before.module}" and "${module}" both register it`
      this.#problems.push(new PlanProblem(`plan ${plan.id}`, null, both, 'Give each plan an id of its own'))
    }
  }

  #get(id: string): RegisteredPlan {
    const found = this.#plans.get(id)
    if (found) return found
    const known = [...this.#plans.keys()]
    throw new HoldfastError('E_PLAN_UNKNOWN', `no plan "${id}" is registered`, { hint: `${suggest(id, known, 'plans')}.`, details: { id, known } })
  }

  #getResolved(id: string): ResolvedPlan {
    const { plan } = this.#get(id)
    const resolved = this.#resolved?.get(plan.id)
    if (resolved) return resolved
    throw new HoldfastError('E_CONFIG', `plan "${id}" is not resolved yet`, { hint: 'Ask once the boot is over.' })
  }
}
