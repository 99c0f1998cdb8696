import { join } from 'node:path'
import libsql from 'libsql'
import { Column, DataSource, Entity, ManyToOne, PrimaryGeneratedColumn, type Relation } from 'typeorm'

@Entity()
export class Customer {
  @PrimaryGeneratedColumn()
  id!: number

  @Column()
  email!: string
}

@Entity('orders')
export class Order {
  @PrimaryGeneratedColumn()
  id!: number

  @ManyToOne(() => Customer)
  customer!: Relation<Customer>

  @Column()
  status!: string
}

/** Not connected yet: whoever imports it decides when. */
export const dataSource = new DataSource({
  type: 'better-sqlite3',
  driver: libsql,
  database: process.env.SHOP_DATABASE ?? join(import.meta.dirname, 'shop.sqlite'),
  entities: [Customer, Order],
})
