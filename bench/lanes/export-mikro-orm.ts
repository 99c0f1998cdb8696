import { lane } from './lane.ts'
import { connectMikroOrm, Order } from './mikro-orm-orders.ts'
import { writeZstdFile } from './zstd-file.ts'

const PAGE = 5000

await lane(async ({ url, out }) => {
  const orm = await connectMikroOrm(url)
  let rows = 0
  async function* lines() {
    for (let last = '0'; ;) {
      const page = await orm.em.fork().find(Order, { id: { $gt: last } }, { orderBy: { id: 'asc' }, limit: PAGE, disableIdentityMap: true })
      if (page.length === 0) return
      rows += page.length
      last = page.at(-1)!.id
      yield page.map((order) => `${JSON.stringify(order)}\n`).join('')
    }
  }
  return {
    async run() {
      await writeZstdFile(lines(), `${out}.zst`)
      return { rows }
    },
    close: () => orm.close(),
  }
})
