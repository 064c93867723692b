package dev.sennit.benchmarks.coroutines

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.yield

/** Coroutines of Kotlin on the one thread of `runBlocking`: what `CoroutinesExperiment` and `ParkingPlace` do with ours. */
object KotlinCoroutines {
    private const val YIELDERS = 10
    private const val CAPACITY = 1000
    private const val SLEEP_MILLIS = 100L
    private const val LONG_MILLIS = 3_600_000L

    /** Seconds of each of the things that are done so many times. */
    @JvmStatic
    fun measure(what: String, count: Int): Double = runBlocking {
        seconds {
            when (what) {
                "spawn" -> start(count) {}.joinAll()
                "yield" -> start(YIELDERS) { repeat(count / YIELDERS) { yield() } }.joinAll()
                "queue" -> queue(count)
                "ping" -> ping(count)
                "sleep" -> start(count) { delay(SLEEP_MILLIS) }.joinAll()
                "cancel" -> cancel(count)
                else -> throw IllegalArgumentException("unknown request $what")
            }
        } / count
    }

    /** Seconds from the completion that so many wait for to the end of all; `whileParked` is called when all wait. */
    @JvmStatic
    fun release(count: Int, whileParked: Runnable): Double = runBlocking {
        val gate = CompletableDeferred<Unit>()
        val all = start(count) { gate.await() }
        yield()
        whileParked.run()
        seconds {
            gate.complete(Unit)
            all.joinAll()
        }
    }

    private inline fun seconds(work: () -> Unit): Double {
        val start = System.nanoTime()
        work()
        return (System.nanoTime() - start) / 1e9
    }

    private fun CoroutineScope.start(count: Int, body: suspend () -> Unit): List<Job> = List(count) { launch { body() } }

    private suspend fun queue(count: Int) = coroutineScope {
        val channel = Channel<Int>(CAPACITY)
        launch { repeat(count) { channel.send(it) } }
        launch { repeat(count) { channel.receive() } }
    }

    private suspend fun ping(count: Int) = coroutineScope {
        val there = Channel<Int>(1)
        val back = Channel<Int>(1)
        launch { repeat(count) { back.send(there.receive()) } }
        repeat(count) {
            there.send(it)
            back.receive()
        }
    }

    private suspend fun cancel(count: Int) = coroutineScope {
        val all = start(count) { delay(LONG_MILLIS) }
        yield()
        all.forEach { it.cancel() }
        all.joinAll()
    }
}
