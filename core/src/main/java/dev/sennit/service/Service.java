package dev.sennit.service;

import java.io.Serializable;

/**
 * A part of a program that runs for long, in a worker process of its own.
 *
 * <p>A {@link ServiceManager} starts it in as many workers as are wanted, and starts another when one ends. The object
 * travels to each worker by serialization; each works on a copy of its own.
 *
 * {@snippet :
 * import dev.sennit.service.*;
 *
 * Service clock = me -> {
 *     while (!me.isStopping()) {
 *         System.out.println("worker " + me.id() + " lives");
 *         me.awaitStop(java.time.Duration.ofSeconds(1));
 *     }
 * };
 * }
 *
 * <p>All methods run in the worker: {@link #initialize} and {@link #run} in its main thread, the others in a thread for
 * what the manager asks.
 */
@FunctionalInterface
public interface Service extends Serializable {
    /**
     * Does the work. A worker whose {@code run} returns, or throws, ends; whether another takes its place is decided by
     * the service's {@link ServiceKind}.
     *
     * @param me the worker that it runs in
     * @throws Exception which is printed with its stack, and ends the worker with exit code 1; an
     *     {@link InterruptedException} after the worker was asked to stop is a return
     */
    void run(ServiceWorker me) throws Exception;

    /**
     * Prepares the work: opens connections, loads what is needed. The worker is ready when this has returned, unless
     * its settings say that it calls {@link ServiceWorker#ready} itself. By default it does nothing.
     *
     * @param me the worker that it runs in
     * @throws Exception which ends the worker before it was ready
     */
    default void initialize(ServiceWorker me) throws Exception {}

    /**
     * Is called once when the worker shall stop. Afterwards {@link #run} should return; a worker that has not ended by
     * the deadline is killed. By default it {@linkplain ServiceWorker#interrupt interrupts} the thread of {@code
     * run}.
     *
     * @param me the worker that it runs in, which {@linkplain ServiceWorker#isStopping is stopping}
     * @throws Exception which is logged; the worker is still stopping
     */
    default void terminate(ServiceWorker me) throws Exception {
        me.interrupt();
    }

    /**
     * Is called when the service is reloaded, if its settings say that it reloads in place. Others are replaced by new
     * workers instead. By default it does nothing.
     *
     * @param me the worker that it runs in
     * @throws Exception which is logged; the worker goes on
     */
    default void reload(ServiceWorker me) throws Exception {}
}
