package dev.sennit.junit;

import dev.sennit.testing.ScheduleFailure;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Runs a method with {@link Schedules} under one schedule only, such as one that has failed. */
@Documented
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
public @interface Replay {
    /** No seed: there is a {@link #schedule()}. */
    long NO_SEED = Long.MIN_VALUE;

    /**
     * Returns the seed of the schedule.
     *
     * @return the seed that a {@link ScheduleFailure} has reported
     */
    long value() default NO_SEED;

    /**
     * Returns the schedule, instead of a seed.
     *
     * @return the {@linkplain ScheduleFailure#schedule() text} that a failure has reported
     */
    String schedule() default "";
}
