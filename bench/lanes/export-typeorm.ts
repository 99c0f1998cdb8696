import { MoreThan } from 'typeorm'
import { lane } from './lane.ts'
import { connectTypeorm, Order } from './typeorm-orders.ts'
import { writeZstdFile } from './zstd-file.ts'

const PAGE = 5000

await lane(async ({ url, out }) => {
  const dataSource = await connectTypeorm(url)
  const repository = dataSource.getRepository(Order)
  let rows = 0
  async function* lines() {
    for (let last = '0'; ;) {
      const page = await repository.find({ where: { id: MoreThan(last) }, order: { id: 'ASC' }, take: PAGE })
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
    close: () => dataSource.destroy(),
  }
})
