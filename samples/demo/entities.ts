import { BackupEntity, BackupIgnore, Sensitive } from 'holdfast'
import { Column, Entity, JoinTable, ManyToMany, ManyToOne, OneToMany, PrimaryGeneratedColumn, type Relation, UpdateDateColumn, VersionColumn } from 'typeorm'

@BackupEntity({ plan: 'shop' })
@Entity()
export class Customer {
  @PrimaryGeneratedColumn()
  id!: number

  @Column()
  name!: string

  @Sensitive()
  @Column()
  email!: string

  @OneToMany(() => Order, (order) => order.customer)
  orders!: Order[]
}

@BackupEntity({ plan: 'shop' })
@Entity()
export class Product {
  @PrimaryGeneratedColumn()
  id!: number

  @Column()
  title!: string

  @Column('decimal', { precision: 10, scale: 2 })
  price!: string
}

@BackupEntity({ plan: 'shop' })
@Entity()
export class Tag {
  @PrimaryGeneratedColumn()
  id!: number

  @Column({ unique: true })
  label!: string
}

@BackupEntity({ plan: 'shop' })
@Entity('orders')
export class Order {
  @PrimaryGeneratedColumn()
  id!: number

  @ManyToOne(() => Customer, (customer) => customer.orders, { nullable: false })
  customer!: Relation<Customer>

  @Column()
  status!: string

  @Column('integer')
  totalCents!: number

  @Column('simple-json')
  shipping!: { city: string; note: string | null }

  @UpdateDateColumn()
  updatedAt!: Date

  @VersionColumn()
  version!: number

  @OneToMany(() => OrderLine, (line) => line.order)
  lines!: OrderLine[]

  /** The junction table comes along with its two entities; no plan has to name it. */
  @ManyToMany(() => Tag)
  @JoinTable({ name: 'order_tags' })
  tags!: Tag[]
}

@BackupEntity({ plan: 'shop' })
@Entity()
export class OrderLine {
  @PrimaryGeneratedColumn()
  id!: number

  @ManyToOne(() => Order, (order) => order.lines, { nullable: false })
  order!: Relation<Order>

  @ManyToOne(() => Product, { nullable: false })
  product!: Relation<Product>

  @Column('integer')
  quantity!: number
}

/** Made anew every night, so it is left out on purpose; the inventory says so. */
@BackupIgnore({ reason: 'rebuilt from the orders every night' })
@Entity()
export class DailySales {
  @PrimaryGeneratedColumn()
  id!: number

  @Column()
  day!: string

  @Column('integer')
  cents!: number
}
