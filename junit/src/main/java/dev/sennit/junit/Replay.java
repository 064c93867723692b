package dev.sennit.junit;

import dev.sennit.testing.ScheduleFailure;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** On a method with {@link Schedules}: runs it under one schedule alone, such as one that failed. */
@Documented
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
public @interface Replay {
    /**
     * Which schedule.
     *
     * @return the seed that a {@link ScheduleFailure} told
     */
    long value();
}
