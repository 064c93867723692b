package dev.sennit.testing;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A schedule under which a test body fails, as short as possible. The message says what happened, how to repeat the
 * schedule, and which thread ran from where to where.
 */
public final class ScheduleFailure extends AssertionError {
    private static final long serialVersionUID = 1L;

    /** The kind of a failure. */
    public enum Kind {
        /** The body, or a thread that it started, threw an exception, which is the cause. */
        THREW,
        /**
         * A thread called {@code System.exit} or {@code Runtime.halt}. With the agent the JVM goes on; without, it
         * ends, and a line on standard error says so.
         */
        EXIT,
        /**
         * No thread can go on, none waits for a time, and the body has not ended. A lost wake-up shows as this, too.
         */
        DEADLOCK,
        /** The schedule did not end within the limit of steps: a loop waits in vain, or the limit is too low. */
        STEP_LIMIT,
        /**
         * A thread waits where it cannot suspend - below a class initializer or native code - and so holds the platform
         * thread that carries all threads. The schedule was not run once more, and its steps are not recorded.
         */
        PINNED,
        /**
         * A thread outside of the schedule woke one of its threads, holds what one waits for, or ran part of the body:
         * such a schedule cannot be repeated. The cause has the stack of that thread, if it is known.
         */
        OUTSIDE,
        /**
         * Two threads accessed a field or element, at least one of them wrote it, and nothing ordered the two accesses.
         * Only if {@link ScheduleExplorer#dataRaces} asks for it.
         */
        DATA_RACE
    }

    private final Kind kind;
    private final long seed;
    private final boolean repeatable;
    private final @Nullable String schedule;
    private final transient String heading;
    private final transient @Nullable ScheduleRecording recording;
    private final transient Exploration exploration;

    ScheduleFailure(
            String message,
            String heading,
            @Nullable Throwable cause,
            Kind kind,
            long seed,
            boolean repeatable,
            @Nullable String schedule,
            @Nullable ScheduleRecording recording,
            Exploration exploration) {
        super(message, cause);
        this.kind = kind;
        this.seed = seed;
        this.repeatable = repeatable;
        this.schedule = schedule;
        this.heading = heading;
        this.recording = recording;
        this.exploration = exploration;
    }

    /**
     * Returns the kind of the failure.
     *
     * @return the kind
     */
    public Kind kind() {
        return kind;
    }

    /**
     * Returns the seed, which repeats the schedule with {@link ScheduleExplorer#replay(long, ScheduleExplorer.Body)} or
     * {@code -Dsennit.seed=}: it finds the schedule as it was, and shortens it to the same again.
     *
     * @return the seed; 0 if a schedule was given as text
     */
    public long seed() {
        return seed;
    }

    /**
     * Returns whether the schedule was the same when it was run once more.
     *
     * @return false if the {@link #interleaving} is that of another schedule
     */
    public boolean isRepeatable() {
        return repeatable;
    }

    /**
     * Returns the schedule as a text that repeats it with
     * {@link ScheduleExplorer#replay(String, ScheduleExplorer.Body)} or {@code -Dsennit.schedule=}: {@code 0,1:3,2}
     * says that the body runs until it waits, then thread 1 until its third memory point, then thread 2 until it waits.
     * {@code 1~2} says that the second wait of thread 1 ends without a reason. Behind the end of the text threads run
     * until they wait. It belongs to one program, with memory points or without.
     *
     * @return the schedule, shortened; null if not only the schedule decides, or it is not repeatable
     */
    public @Nullable String schedule() {
        return schedule;
    }

    /**
     * Returns the steps: which thread ran from where to where.
     *
     * @return the steps, in order; empty in a copy of this from another process
     */
    public List<Step> interleaving() {
        return recording == null ? List.of() : recording.steps();
    }

    /**
     * Returns the figures of the exploration that found this.
     *
     * @return the figures; null in a copy of this from another process
     */
    public @Nullable Exploration exploration() {
        return exploration;
    }

    /**
     * Returns a picture of the schedule: a lane for each thread, and in it each step, each access to memory whose order
     * with others matters (with the agent), the places in code, and where threads made way though they could have gone
     * on.
     *
     * @return an HTML page that needs no other file; null in a copy of this from another process, and if no steps are
     *     recorded
     */
    public @Nullable String picture() {
        return recording == null ? null : SchedulePicture.html(heading, recording);
    }

    /** Writes the picture to a folder, and returns this failure with a line that says where it is, or why not. */
    ScheduleFailure withPictureIn(@Nullable String folder) {
        ScheduleRecording shown = recording;
        if (folder == null || shown == null) {
            return this;
        }
        String line;
        try {
            String name = shown.rows().stream().map(ScheduleRecording.Row::shortFile).filter(file -> !file.isEmpty())
                    .findFirst().orElse("schedule").replaceAll("[^A-Za-z0-9._-]", "_");
            String page = SchedulePicture.html(heading, shown);
            Path file = SchedulePicture.write(page, Path.of(folder), name + '-' + (seed == 0 ? "given" : "" + seed));
            line = "picture: " + file.toUri();
        } catch (IOException | RuntimeException e) {
            line = "no picture, as " + folder + " cannot be written: " + e;
        }
        var told = new ScheduleFailure(
                getMessage() + '\n' + line, heading, getCause(), kind, seed, repeatable, schedule, shown, exploration);
        told.setStackTrace(getStackTrace());
        for (Throwable one : getSuppressed()) {
            told.addSuppressed(one);
        }
        return told;
    }
}
