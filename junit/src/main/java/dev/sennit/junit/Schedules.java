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
 * A JUnit test that is run under many schedules, by a {@link ScheduleExplorer}.
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
 * <p>The method is called once for each schedule, on one instance of the class: what it works on it makes itself, as what is
 * set up before each test is set up once. Add {@link Replay} to run it under one schedule alone.
 */
@Documented
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@Test
@ExtendWith(ScheduleExtension.class)
public @interface Schedules {
    /**
     * How many.
     *
     * @return the number of schedules
     */
    int value() default 10_000;

    /**
     * How threads are picked.
     *
     * @return the strategy
     */
    Strategy strategy() default Strategy.RANDOM;

    /**
     * For {@link Strategy#PCT}.
     *
     * @return how many things have to happen in a certain order for the bugs that are looked for
     */
    int depth() default 3;

    /**
     * The seed of the first schedule.
     *
     * @return the seed
     */
    long seed() default 1;

    /**
     * What takes more steps than this is taken not to end.
     *
     * @return the limit
     */
    int stepLimit() default 100_000;
}
