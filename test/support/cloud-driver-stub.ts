import type { CloudDriver } from '../../adapters/cloud/cloud-driver.ts'
import { cloudError } from '../../adapters/cloud/cloud-error.ts'

/** An error with an HTTP status, as SDKs throw them. */
export function answer(status: number, code = 'Stub', retryAfterMs?: number): Error {
  return Object.assign(new Error(`status ${status}`), { status, code, retryAfterMs })
}

/** A provider in memory, for what no real one can be made to do. `before` is called with each request and may throw. */
export function cloudDriverStub(broken: { readonly overwrites?: boolean; readonly hides?: boolean; readonly disorder?: boolean } = {}) {
  const objects = new Map<string, Buffer>()
  const requests: string[] = []
  const hooks = { before: (_request: string): void | Promise<void> => {} }
  const note = async (request: string): Promise<void> => {
    requests.push(request)
    await hooks.before(request)
  }
  const driver: CloudDriver = {
    deletesAtOnce: 10,
    errorOf: (error, what) =>
      cloudError(error, what, error as Error & { status?: number }, { Stub: { code: 'E_STORAGE' }, Taken: { code: 'E_STORAGE_EXISTS' } }),
    async put(name, body, { ifAbsent }) {
      await note(`put ${name}`)
      if (ifAbsent && objects.has(name) && !broken.overwrites) throw answer(412, 'Taken')
      objects.set(name, Buffer.from(body))
    },
    async get(name, range) {
      await note(`get ${name}`)
      const object = objects.get(name)
      return object ? Buffer.from(range ? object.subarray(range.start, range.end) : object) : null
    },
    async stat(name) {
      await note(`stat ${name}`)
      const object = objects.get(name)
      return object ? { name, bytes: object.byteLength, modifiedAt: Date.now() } : null
    },
    async list(prefix, from) {
      await note(`list ${prefix} ${from ?? ''}`.trim())
      const names = broken.hides ? [] : [...objects.keys()].filter((name) => name.startsWith(prefix)).sort()
      if (broken.disorder) names.reverse()
      const start = from === undefined ? 0 : Number(from)
      const page = names.slice(start, start + 3).map((name) => ({ name, bytes: objects.get(name)!.byteLength, modifiedAt: 0 }))
      return { objects: page, next: start + 3 < names.length ? String(start + 3) : undefined }
    },
    async place() {
      await note('place')
      return { versioning: false, objectLock: false, retention: null, archives: false }
    },
    async delete(names) {
      await note(`delete ${names.length}`)
      for (const name of names) objects.delete(name)
    },
    async close() {
      await note('close')
    },
  }
  return { driver, objects, requests, hooks }
}
