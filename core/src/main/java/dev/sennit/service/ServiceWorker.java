package dev.sennit.service;

import java.io.IOException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a {@link Service} knows of the worker that it runs in, and tells its manager. Safe for any thread. */
public interface ServiceWorker {
    /**
     * The name of the service.
     *
     * @return the name
     */
    String name();

    /**
     * The number of this worker among those of its service, from 0. A worker that takes the place of another has the
     * same number.
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
     * Tells the manager that the service is ready. Calls after the first do nothing.
     *
     * @throws java.io.UncheckedIOException if the worker has a socket of its own to listen on, and cannot bind that
     */
    void ready();

    /**
     * Tells the manager that the work goes on. From the first call on, only these calls count: a worker that makes none
     * for the heartbeat limit of its service is replaced. Without any call, the worker's JVM beats by itself. Cheap: it
     * may be called for each piece of work.
     */
    void heartbeat();

    /**
     * Counts pieces of work that are done. A service with a limit of work is replaced after so many.
     *
     * @param pieces how many more
     * @throws IllegalArgumentException if it is negative
     */
    void worked(long pieces);

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
     * Waits until the worker is asked to stop, some time at most.
     *
     * @param longest how long; zero or less only looks
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
     * <p>Several threads may call it. No connection is lost when a worker ends or is replaced: those that it has not
     * accepted are accepted by others, or wait for the next worker. Where native access is off, each worker has a
     * socket of its own ({@link ListenerStatus#isShared}): then connections that wait at the socket of a worker are
     * lost when it is killed.
     *
     * <p>A worker that is asked to stop gets null here. A service that answers connections in its main thread overrides
     * {@link Service#terminate}, so that the thread is not interrupted while it answers one.
     *
     * @return the connection, in blocking mode; null once the worker {@linkplain #isStopping is stopping}
     * @throws IllegalStateException if the service has no {@linkplain ServiceSettings.Builder#listener listener}
     * @throws IOException if there is no descriptor to be had, for example
     * @throws InterruptedException if the thread is interrupted, and the worker is not stopping
     */
    @Nullable SocketChannel accept() throws IOException, InterruptedException;

    /**
     * The listener itself, for servers that accept by means of their own. It stays non-blocking, as another
     * worker may be quicker to accept: wait for connections with a {@link java.nio.channels.Selector}. Do not close it
     * before the process ends, as standard output would be lost: just accept no more when the worker {@linkplain
     * #isStopping is stopping}, answer what was accepted, and return.
     *
     * @return always the same channel
     * @throws IllegalStateException if the service has no {@linkplain ServiceSettings.Builder#listener listener}
     * @throws java.io.UncheckedIOException if the worker has a socket of its own, and cannot bind that
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
