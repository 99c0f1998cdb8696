import type { FieldDescriptor } from '../../src/contracts/entity-descriptor.ts'
import { encodeText } from '../../src/record/index.ts'

/** A canonical line, without its 0x0A, of the tokens of its fields. */
export function lineOf(fields: readonly Pick<FieldDescriptor, 'path'>[], token: (at: number) => string): string {
  return `{${fields.map(({ path }, at) => `${encodeText(path)}:${token(at)}`).join(',')}}`
}
