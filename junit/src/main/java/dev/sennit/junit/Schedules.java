package dev.sennit.junit;

import dev.sennit.testing.ScheduleExplorer;
import dev.sennit.testing.Strategy;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A JUnit test that a {@link ScheduleExplorer} runs under many schedules.
 *
 * {@snippet :
 * import dev.sennit.junit.Schedules;
 * import java.util.concurrent.atomic.AtomicInteger;
 *
 * class CounterTest {
 *     @Schedules(1000)
 *     void countsBoth() throws InterruptedException {
 *         var counted = new AtomicInteger();
 *         Thread one = Thread.startVirtualThread(counted::incrementAndGet);
 *         Thread other = Thread.startVirtualThread(counted::incrementAndGet);
 *         one.join();
 *         other.join();
 *         if (counted.get() != 2) {
 *             throw new AssertionError("counted " + counted);
 *         }
 *     }
 * }
 * }
 *
 * <p>The method is called once for each schedule, on one instance of the class. It must create the objects that it
 * works on itself, as {@code @BeforeEach} methods run only once. Add {@link Replay} to run it under one schedule only.
 */
@Documented
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@Test
@ExtendWith(ScheduleExtension.class)
public @interface Schedules {
    /**
     * Returns the number of schedules.
     *
     * @return the number of schedules
     */
    int value() default 10_000;

    /**
     * Returns how threads are picked.
     *
     * @return the strategy
     */
    Strategy strategy() default Strategy.PORTFOLIO;

    /**
     * Returns the depth for {@link Strategy#PCT}.
     *
     * @return how many events must happen in a certain order for the bugs to find
     */
    int depth() default 3;

    /**
     * Returns how often a thread that could go on has to wait at most, for {@link Strategy#EXHAUSTIVE}.
     *
     * @return the bound; by default there is none
     */
    int preemptions() default Integer.MAX_VALUE;

    /**
     * Returns the seed of the first schedule.
     *
     * @return the seed
     */
    long seed() default 1;

    /**
     * Returns the number of steps after which a schedule counts as endless.
     *
     * @return the limit
     */
    int stepLimit() default 100_000;

    /**
     * Returns whether threads that wait for ever when the method has returned are daemons, and no failure.
     *
     * @return whether they are
     */
    boolean daemons() default false;

    /**
     * Returns whether a data race is a failure: see {@link ScheduleExplorer#dataRaces}.
     *
     * @return whether it is
     */
    boolean dataRaces() default false;

    /**
     * Returns the fields whose data races are no failure.
     *
     * @return their full names, as a failure tells them
     */
    String[] harmlessRaces() default {};
}
