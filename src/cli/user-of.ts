import type { Surroundings } from './surroundings.ts'

/** Who is at the keyboard. A container or a timer has no such variable, and an account all the same. */
export function userOf({ env: { USER, LOGNAME, USERNAME }, account }: Pick<Surroundings, 'env' | 'account'>): string | undefined {
  return USER || LOGNAME || USERNAME || account()
}
