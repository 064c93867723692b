package shop

import dev.sennit.{Pools, Task}
import java.util.concurrent.ExecutionException
import scala.jdk.CollectionConverters.*
import scala.util.Using

case class Order(item: String, count: Int)

case class Receipt(order: Order, cents: Int)

class SoldOut(order: Order) extends Exception(s"no ${order.item} left")

@main def sell(): Unit =
  val orders = List(Order("rope", 3), Order("sail", 2))
  val discount = 10
  Using.resource(Pools.open("processes:2")): pool =>
    println(pool.map((order: Order) => Receipt(order, order.count * (100 - discount)), orders.asJava))
    val first = orders.head
    val receipt = pool.submit((() => Receipt(first, first.count * 100)): Task[Receipt]).get()
    val stock = Map("rope" -> 5, "sail" -> 1)
    val shelf = Option("left")
    val offers = pool.submit((() => (List("rope", "oar").map(stock.get), shelf.toRight(0), 1 to 3)): Task[(List[Option[Int]], Either[Int, String], Range)]).get()
    println(offers)
    val worker = pool.submit((() => ProcessHandle.current().pid()): Task[Long]).get()
    println(s"${receipt.cents} ${if worker == ProcessHandle.current().pid() then "here" else "from a worker"}")
    try pool.submit((() => throw SoldOut(first)): Task[Receipt]).get()
    catch case e: ExecutionException => println(e.getCause)
