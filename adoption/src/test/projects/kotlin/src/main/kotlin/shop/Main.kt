package shop

import dev.sennit.Pools
import dev.sennit.Task
import java.io.Serializable
import java.util.concurrent.ExecutionException

data class Order(val item: String, val count: Int) : Serializable

data class Receipt(val order: Order, val cents: Int) : Serializable

class SoldOut(order: Order) : Exception("no ${order.item} left")

fun main() {
    val orders = listOf(Order("rope", 3), Order("sail", 2))
    val discount = 10
    Pools.open("processes:2").use { pool ->
        println(pool.map({ order -> Receipt(order, order.count * (100 - discount)) }, orders))
        val first = orders.first()
        val receipt = pool.submit(Task { Receipt(first, first.count * 100) }).get()
        val wanted = Pair("rope", 2..4)
        val offers = pool.submit(Task { buildList { for (count in wanted.second) add(Triple(wanted.first, count, IntRange(0, count))) } }).get()
        println(offers)
        val worker = pool.submit(Task { ProcessHandle.current().pid() }).get()
        println("${receipt.cents} ${if (worker == ProcessHandle.current().pid()) "here" else "from a worker"}")
        try {
            pool.submit(Task<Receipt> { throw SoldOut(first) }).get()
        } catch (e: ExecutionException) {
            println(e.cause)
        }
    }
}
