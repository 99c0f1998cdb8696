import { HoldfastError } from '../kernel/errors.ts'
import { type PlanProblem, type ResolvedPlan, resolveSource, type SourceLimits } from '../plan/index.ts'

/** The plan with load limits of one run over its own. @throws `E_CONFIG` with every limit that is unknown or out of range */
export function withSourceLimits(plan: ResolvedPlan, limits: Partial<SourceLimits> | undefined): ResolvedPlan {
  if (limits === undefined) return plan
  const problems: PlanProblem[] = []
  const source = resolveSource(limits, 'source', problems, plan.policy.source)
  if (problems.length > 0) throw new HoldfastError('E_CONFIG', problems.map(String).join('\n'))
  return { ...plan, policy: { ...plan.policy, source } }
}
