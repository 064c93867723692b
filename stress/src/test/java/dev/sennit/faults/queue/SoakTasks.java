package dev.sennit.faults.queue;

import dev.sennit.queue.RunContext;
import dev.sennit.queue.TaskType;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The tasks of a soak. Whatever they do is to write a line into a file of their process: the books that are kept beside
 * those of the broker. A line that was begun is a task that was begun, whatever befell its process afterwards.
 */
final class SoakTasks {
    /** Names the folder of the records, in the environment of workers and of their children. */
    static final String FOLDER = "SENNIT_SOAK_FOLDER";

    static final TaskType<Work, Integer> WORK = TaskType.of("soak.work", Work.class, SoakTasks::work);
    static final TaskType<Integer[], Integer> SUM = TaskType.of("soak.sum", Integer[].class, SoakTasks::sum);

    /** Guarded by the class. No channel, which an interrupt in the middle of a line would close for all later tasks. */
    private static @Nullable OutputStream records;

    private SoakTasks() {}

    /**
     * An argument.
     *
     * @param number what its result is
     * @param millis how long it takes
     * @param failures how often it fails before it succeeds
     */
    record Work(int number, int millis, int failures) {}

    private static Integer work(Work work, RunContext run) throws Exception {
        write('B', run);
        if (work.millis > 0) {
            try {
                Thread.sleep(work.millis);
            } catch (InterruptedException e) {
                write('I', run); // it has lost its lease
                throw e;
            }
        }
        if (run.failures() < work.failures) {
            write('F', run);
            throw new IllegalStateException("fails " + work.failures + " times");
        }
        write('E', run);
        return work.number;
    }

    private static Integer sum(Integer[] numbers, RunContext run) throws Exception {
        write('B', run);
        int sum = 0;
        for (int number : numbers) {
            sum += number;
        }
        write('E', run);
        return sum;
    }

    /** Writes what happens, to which task, in which attempt, when: on Linux, all processes share the clock. */
    private static synchronized void write(char what, RunContext run) throws IOException {
        OutputStream file = records;
        if (file == null) {
            records = file = new FileOutputStream(
                    Path.of(System.getenv(FOLDER), "records", ProcessHandle.current().pid() + ".txt").toFile(), true);
        }
        String line = what + " " + run.id() + " " + run.attempt() + " " + System.nanoTime() + "\n";
        file.write(line.getBytes(StandardCharsets.US_ASCII));
    }
}
