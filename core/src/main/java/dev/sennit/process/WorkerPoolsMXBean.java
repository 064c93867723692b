package dev.sennit.process;

import java.util.List;

/**
 * The open pools of worker processes of a JVM, seen from outside: {@code sennit ps} reads it.
 *
 * <p>Nothing is registered before somebody asks. A tool that has connected to the JVM's MBean server makes one, of the
 * class {@link WorkerPools} under the name {@value #NAME}. Where the server cannot, as the library is of a class loader
 * that it does not know, the library registers one itself a second after there is a server, under that name and
 * {@code ,loader=} something.
 */
public interface WorkerPoolsMXBean {
    /** The object name. */
    String NAME = "dev.sennit:type=WorkerPools";

    /**
     * A pool.
     *
     * @param name its name
     * @param queued how many tasks wait
     * @param running how many tasks run
     * @param workersLost how many workers died under it
     * @param workers its worker processes, by name
     */
    record WorkerPool(String name, long queued, long running, long workersLost, List<Worker> workers) {}

    /**
     * A worker process.
     *
     * @param name its name
     * @param pid its process id
     * @param state {@code STARTING}, {@code SPARE}, {@code IDLE}, {@code BUSY}, or {@code LEAVING} for one that gets no
     *     more tasks
     * @param task the name of the task that it runs; empty if it runs none
     * @param taskNumber the number under which the events of this task are told, in a {@code
     *     dev.sennit.observe.TaskEvents}; 0 if nobody is told of it, or the worker runs none
     * @param taskMillis for how long, in milliseconds; 0 if it runs none
     * @param tasksDone how many tasks it has done
     * @param ageMillis how old it is, in milliseconds
     */
    record Worker(
            String name,
            long pid,
            String state,
            String task,
            long taskNumber,
            long taskMillis,
            long tasksDone,
            long ageMillis) {}

    /**
     * The pools that are open.
     *
     * @return a snapshot of each, by name
     */
    List<WorkerPool> pools();
}
