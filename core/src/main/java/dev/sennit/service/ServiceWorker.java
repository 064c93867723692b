package dev.sennit.service;

import java.io.IOException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The worker in which a {@link Service} runs: its identity, and the connection to its manager. Safe for use by several
 * threads.
 */
public interface ServiceWorker {
    /**
     * The name of the service.
     *
     * @return the name
     */
    String name();

    /**
     * The number of this worker among those of its service, from 0. A worker that replaces another has the same number.
     *
     * @return the number
     */
    int id();

    /**
     * How often the service had been reloaded when this worker was started.
     *
     * @return 1 for the first workers
     */
    long generation();

    /**
     * Reports to the manager that the service is ready. Calls after the first do nothing.
     *
     * @throws java.io.UncheckedIOException if the worker has a socket of its own to listen on, and cannot bind it
     */
    void ready();

    /**
     * Reports to the manager that the work goes on. From the first call on, only these calls count as heartbeats: if a
     * worker makes none for the heartbeat limit of its service, it is replaced. If the service never calls this method,
     * the worker's JVM sends heartbeats by itself. A call is cheap, and may be made for each piece of work.
     */
    void heartbeat();

    /**
     * Counts pieces of work. If the service has a limit of work, a worker that has reached it is replaced.
     *
     * @param pieces the number of further pieces
     * @throws IllegalArgumentException if it is negative
     */
    void worked(long pieces);

    /**
     * Tells the manager figures of this worker, in place of those that it has told before. {@link
     * ServiceManager#figures} adds them up by generation. Tell them once a second at most.
     *
     * @param sums what has happened since the worker's start, by name; a sum must not fall
     * @param gauges what is so now, by name
     * @return false if the figures are lost, as the manager reads too slowly or has ended: tell them again later
     * @throws IllegalArgumentException if a name has other characters than a to z, 0 to 9, dot and underscore, or is
     *     longer than 60; if a value is negative; if there are more than 500
     */
    boolean figures(Map<String, Long> sums, Map<String, Long> gauges);

    /**
     * Whether the worker has been asked to stop.
     *
     * @return true from then on
     */
    boolean isStopping();

    /**
     * Waits until the worker is asked to stop.
     *
     * @throws InterruptedException if the calling thread is interrupted before
     */
    void awaitStop() throws InterruptedException;

    /**
     * Waits until the worker is asked to stop, for a limited time.
     *
     * @param longest the longest time to wait; zero or less to check only
     * @return whether it has been asked
     * @throws InterruptedException if the calling thread is interrupted
     */
    boolean awaitStop(Duration longest) throws InterruptedException;

    /**
     * How long the worker has until it is killed.
     *
     * @return empty until it is asked to stop; never negative
     */
    Optional<Duration> timeLeft();

    /**
     * Accepts the next connection on the service's listener, which all its workers share.
     *
     * {@snippet :
     * import dev.sennit.service.*;
     * import java.nio.channels.*;
     * import java.util.concurrent.*;
     *
     * Service shouter = me -> {
     *     try (ExecutorService connections = Executors.newVirtualThreadPerTaskExecutor()) {
     *         for (SocketChannel next = me.accept(); next != null; next = me.accept()) {
     *             SocketChannel client = next;
     *             connections.submit(() -> {
     *                 try (client) {
     *                     client.write(java.nio.ByteBuffer.wrap("HELLO\n".getBytes()));
     *                 }
     *                 return null;
     *             });
     *         }
     *     } // waits for the connections that were accepted
     * };
     * }
     *
     * <p>Several threads may call this method. No connection is lost when a worker ends or is replaced: other workers
     * accept its waiting connections, or these wait for the next worker. Without native access, each worker has a
     * socket of its own ({@link ListenerStatus#isShared}): then the connections that wait at the socket of a worker are
     * lost when the worker is killed.
     *
     * <p>When the worker is asked to stop, this method returns null. A service that answers connections in its main
     * thread has to override {@link Service#terminate}, so that the thread is not interrupted while it answers a
     * connection.
     *
     * @return the connection, in blocking mode; null once the worker {@linkplain #isStopping is stopping}
     * @throws IllegalStateException if the service has no {@linkplain ServiceSettings.Builder#listener listener}
     * @throws IOException if no descriptor is available, for example
     * @throws InterruptedException if the thread is interrupted, and the worker is not stopping
     */
    @Nullable SocketChannel accept() throws IOException, InterruptedException;

    /**
     * Returns the listener itself, for servers that accept connections themselves. The channel stays non-blocking, as
     * another worker may accept a connection first: wait for connections with a {@link java.nio.channels.Selector}. Do
     * not close the channel, as standard output would be lost: when the worker {@linkplain #isStopping is stopping},
     * accept no more connections, answer the accepted ones, and return.
     *
     * @return always the same channel
     * @throws IllegalStateException if the service has no {@linkplain ServiceSettings.Builder#listener listener}
     * @throws java.io.UncheckedIOException if the worker has a socket of its own, and cannot bind it
     */
    ServerSocketChannel listener();

    /**
     * A value that the service's settings give to each worker.
     *
     * @param called the name of the {@linkplain ServiceSettings.Builder#value value}
     * @param type its type
     * @param <T> its type
     * @return the value
     * @throws IllegalArgumentException if there is no such value, or it is of another type
     */
    <T> T value(String called, Class<T> type);

    /**
     * Interrupts the thread that runs the service; unless that thread knows already that it shall stop, by {@link
     * #isStopping} or {@link #awaitStop()}: then it can finish its work undisturbed.
     */
    void interrupt();
}
