package dev.sennit.service;

import java.time.Duration;
import java.util.Optional;

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

    /** Tells the manager that the service is ready. Calls after the first do nothing. */
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
     * Interrupts the thread that runs the service; unless that thread knows already that it shall stop, by {@link
     * #isStopping} or {@link #awaitStop()}: then it can finish its work undisturbed.
     */
    void interrupt();
}
