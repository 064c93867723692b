package dev.sennit.service;

import dev.sennit.internal.view.TaskObserver;
import dev.sennit.internal.view.TaskObserver.ServiceStep;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What happened to a worker.
 *
 * @param at when
 * @param service the name of its service
 * @param id the worker's number
 * @param pid the process, 0 if none could be started
 * @param kind what happened
 * @param generation the generation of the process
 * @param why the cause, one line; empty where there is nothing to add
 */
public record ServiceEvent(Instant at, String service, int id, long pid, Kind kind, long generation, String why) {
    /** What can happen to a worker. */
    public enum Kind {
        /** A process was started. */
        STARTED,
        /** A process is ready. */
        READY,
        /** A process was asked to stop: it is not wanted any more, or has been replaced. */
        STOPPING,
        /** A process that was asked to stop has ended in time. */
        STOPPED,
        /** A process that was asked to stop did not end in time, and was killed. */
        KILLED,
        /** A process has ended that was not asked to; or could not be started. */
        DIED,
        /** A process has ended by itself, and its service's kind wants no other. */
        DONE,
        /** A process that was to replace another did not get ready. The other goes on. */
        GIVEN_UP,
        /** Too many processes have died: the worker stays down. */
        FAILED;

        private ServiceStep step() {
            return switch (this) {
                case STARTED -> ServiceStep.STARTED;
                case READY -> ServiceStep.READY;
                case STOPPING -> ServiceStep.STOPPING;
                case STOPPED -> ServiceStep.STOPPED;
                case KILLED -> ServiceStep.KILLED;
                case DIED -> ServiceStep.DIED;
                case DONE -> ServiceStep.DONE;
                case GIVEN_UP -> ServiceStep.GIVEN_UP;
                case FAILED -> ServiceStep.FAILED;
            };
        }
    }

    /** Tells those who look on. Never fails, and is called without a lock. */
    void show() {
        if (TaskObserver.Current.get() != null) {
            show(kind.step(), service, this, why);
        }
    }

    /** Tells those who look on of a service or a manager, in the same way. */
    static void show(ServiceStep step, String name) {
        show(step, name, null, "");
    }

    private static void show(ServiceStep step, String name, @Nullable ServiceEvent ofWorker, String why) {
        TaskObserver observer = TaskObserver.Current.get();
        if (observer == null) {
            return;
        }
        try {
            observer.service(step, name, ofWorker == null ? null : ofWorker.worker(), why.isEmpty() ? null : why);
        } catch (Throwable e) {
            // no memory: the service is worth more than its event
        }
    }

    private String worker() {
        return service + " worker(" + id + ")" + (pid == 0 ? "" : " (pid " + pid + ")");
    }
}
