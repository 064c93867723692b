package dev.sennit.process;

import dev.sennit.TaskSerializationException;
import java.util.concurrent.CompletableFuture;

/**
 * A process that has started, and waits for its main: a warm spare. From {@link WorkerProcess.Builder#prepare}.
 *
 * <p>A JVM takes a good part of a second to start. One that was prepared begins its main within milliseconds.
 *
 * {@snippet :
 * try (PreparedProcess spare = WorkerProcess.builder().heap("64m").prepare()) {
 *     spare.onConnected().join();
 *     WorkerProcess process = spare.start(() -> System.out.println("began at once"));
 *     process.join();
 * }
 * }
 *
 * <p>It has the settings of its builder, and can be started once. Unless it is a
 * {@linkplain WorkerProcess.Builder#daemon daemon}, it keeps this JVM alive until it is closed or ends.
 */
public final class PreparedProcess implements AutoCloseable {
    private final ChildJvm child;

    PreparedProcess(ChildJvm child) {
        this.child = child;
    }

    /**
     * Its process id.
     *
     * @return the id, also when the process has ended
     */
    public long pid() {
        return child.pid();
    }

    /**
     * Whether the process has not ended; also true when it has been started and runs its main.
     *
     * @return true from its start to its end
     */
    public boolean isAlive() {
        return child.isAlive();
    }

    /**
     * A future of the moment in which it is ready to begin a main at once.
     *
     * @return a new future, done with this; or failed with a {@link dev.sennit.WorkerStartException} if the process
     *     ends before. To cancel it has no effect on the process
     */
    public CompletableFuture<PreparedProcess> onConnected() {
        return child.connected().thenApply(_ -> this);
    }

    /**
     * Has it run a main, under the name of its builder. One that has not connected begins when it has.
     *
     * @param main what it runs; a lambda will do
     * @return the process; its main has not begun yet
     * @throws TaskSerializationException naming what the main captured that cannot travel; it waits on then
     * @throws IllegalStateException if it has ended, was closed, or was started already
     */
    public WorkerProcess start(WorkerProcess.Main main) {
        return start(child.name(), main);
    }

    /**
     * Has it run a main, under a name. The operating system shows the name of the builder all the same.
     *
     * @param name what it is called from now on, not empty
     * @param main what it runs; a lambda will do
     * @return the process; its main has not begun yet
     * @throws TaskSerializationException naming what the main captured that cannot travel; it waits on then
     * @throws IllegalArgumentException if the name is empty
     * @throws IllegalStateException if it has ended, was closed, or was started already
     */
    public WorkerProcess start(String name, WorkerProcess.Main main) {
        return WorkerProcess.Given.of(WorkerProcess.ensureName(name), main, child.allowed()).to(child);
    }

    /** Kills a process that has not been started. Does nothing to one that has. */
    @Override
    public void close() {
        child.close();
    }

    @Override
    public String toString() {
        return child.toString();
    }
}
