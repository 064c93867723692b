package dev.sennit.service;

import dev.sennit.internal.view.TaskObserver;
import dev.sennit.internal.view.TaskObserver.ServiceStep;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * An event in the life of a worker.
 *
 * @param at when it happened
 * @param service the name of its service
 * @param id the worker's number
 * @param pid the id of the process, 0 if none could be started
 * @param kind the kind of event
 * @param generation the generation of the process
 * @param why the cause, one line; empty if there is none
 */
public record ServiceEvent(Instant at, String service, int id, long pid, Kind kind, long generation, String why) {
    /** The kinds of events. */
    public enum Kind {
        /** A process was started. */
        STARTED,
        /** A process is ready. */
        READY,
        /** A process was asked to stop, as it is not needed any more or has been replaced. */
        STOPPING,
        /** A process that was asked to stop has ended in time. */
        STOPPED,
        /** A process that was asked to stop did not end in time, and was killed. */
        KILLED,
        /** A process has ended without being asked to, or could not be started. */
        DIED,
        /** A process has ended by itself, and by the kind of its service no other is started. */
        DONE,
        /** A process that should replace another did not get ready. The other process goes on. */
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

    /** Reports this event to the observer of the JVM. Never fails. Called without locks. */
    void show() {
        if (TaskObserver.Current.get() != null) {
            show(kind.step(), service, this, why);
        }
    }

    /** Reports an event of a service or a manager in the same way. */
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
            // out of memory: the event is dropped, and the service goes on
        }
    }

    private String worker() {
        return service + " worker(" + id + ")" + (pid == 0 ? "" : " (pid " + pid + ")");
    }
}
