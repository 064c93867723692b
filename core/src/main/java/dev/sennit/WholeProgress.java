package dev.sennit;

import dev.sennit.internal.view.ProgressGate;
import dev.sennit.internal.view.ProgressGate.Report;
import dev.sennit.internal.view.TaskObserver;
import org.jspecify.annotations.Nullable;

/**
 * The progress of a call of {@code map} or a run of a pipeline, which is not a task but has many tasks. It has a number
 * and a name of its own, as a task has, and no other events. One thread at a time.
 */
final class WholeProgress {
    private final TaskObserver observer;
    private final long number;
    private final String pool;
    private final Object named;
    private final long total;
    private final ProgressGate gate = new ProgressGate();

    private WholeProgress(TaskObserver observer, String pool, Object named, long total) {
        this.observer = observer;
        this.number = TaskObserver.Current.nextTask();
        this.pool = pool;
        this.named = named;
        this.total = total;
    }

    /**
     * Begins a call or a run.
     *
     * @param pool the name of its pool
     * @param named its name, or the class from which a name is made
     * @param total how much there is to do; less than 0 if that is not known
     * @return null if there is no observer
     */
    static @Nullable WholeProgress begin(String pool, Object named, long total) {
        TaskObserver observer = TaskObserver.Current.get();
        return observer == null ? null : new WholeProgress(observer, pool, named, total);
    }

    void report(long done) {
        tell(gate.pass(Report.of(done, total, "")));
    }

    /** Reports the last progress. */
    void end() {
        tell(gate.end());
    }

    private void tell(@Nullable Report report) {
        if (report != null && TaskObserver.Current.get() == observer) {
            observer.progress(number, pool, named, report.done(), report.total(), report.message());
        }
    }
}
