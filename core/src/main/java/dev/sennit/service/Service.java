package dev.sennit.service;

import java.io.Serializable;

/**
 * A part of a program that runs for long, in a worker process of its own.
 *
 * <p>A {@link ServiceManager} starts a service in the set number of workers, and starts another worker when one ends.
 * The object travels to each worker by serialization; each worker has a copy of its own.
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
 * the manager's requests.
 */
@FunctionalInterface
public interface Service extends Serializable {
    /**
     * Does the work. When {@code run} returns or throws, the worker ends; the service's {@link ServiceKind} decides
     * whether another worker replaces it.
     *
     * @param me the worker that it runs in
     * @throws Exception which is printed with its stack, and ends the worker with exit code 1; an
     *     {@link InterruptedException} after the worker was asked to stop is a return
     */
    void run(ServiceWorker me) throws Exception;

    /**
     * Prepares the work: opens connections, loads data. The worker is ready when this method has returned, unless the
     * settings leave the report to {@link ServiceWorker#ready}. By default this method does nothing.
     *
     * @param me the worker that it runs in
     * @throws Exception which ends the worker before it was ready
     */
    default void initialize(ServiceWorker me) throws Exception {}

    /**
     * Asks the service to stop; called once. Afterwards {@link #run} has to return; a worker that has not ended by the
     * deadline is killed. By default this method {@linkplain ServiceWorker#interrupt interrupts} the thread of
     * {@code run}.
     *
     * @param me the worker that it runs in, which {@linkplain ServiceWorker#isStopping is stopping}
     * @throws Exception which is logged; the worker is still stopping
     */
    default void terminate(ServiceWorker me) throws Exception {
        me.interrupt();
    }

    /**
     * Reloads the service in place. Called only if the settings ask for that; otherwise a reload replaces the workers.
     * By default this method does nothing.
     *
     * @param me the worker that it runs in
     * @throws Exception which is logged; the worker goes on
     */
    default void reload(ServiceWorker me) throws Exception {}
}
