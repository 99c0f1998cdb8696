export { hookProblems } from './hook-problems.ts'
export { HookRuns, type HookSet } from './hook-runs.ts'
