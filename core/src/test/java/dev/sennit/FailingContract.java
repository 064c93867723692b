package dev.sennit;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * Runs tests of the conformance suite while timers, thread starts and stops of runs fail at seeded, random points.
 *
 * <p>A test without such a failure has to pass. In a disturbed test a task may rightly have failed with
 * {@link FailingBackend.NoThread}, so its assertions need not hold, and its body is interrupted if it takes long. But
 * the checks after each test have to hold: every pool ends, and no future is left unfinished.
 */
public final class FailingContract {
    /** The results of some tests. */
    public record Report(int tests, int disturbed, long failures, List<String> broken) {
        @Override
        public String toString() {
            return tests + " tests, " + disturbed + " of them disturbed, " + failures + " failures injected"
                    + (broken.isEmpty() ? "" : "; broken:\n" + String.join("\n", broken));
        }
    }

    /** The run under way; null while the suite runs without failures. */
    private static volatile FailingContract current;

    private final Random seeds;
    private final double chance;
    private final AtomicInteger tests = new AtomicInteger();
    private final AtomicInteger disturbed = new AtomicInteger();
    private final List<String> broken = Collections.synchronizedList(new ArrayList<>());
    private long failures;
    /** Written and read by the thread that runs the tests. */
    private FailingBackend backend;

    private FailingContract(long seed, double chance) {
        seeds = new Random(seed);
        this.chance = chance;
    }

    /**
     * Runs random tests.
     *
     * @param suites the classes to choose from
     * @param rounds how many tests
     * @param seed of the choice, and of the failures
     * @param chance of each timer and of each thread to fail; a stop fails with the square of it
     */
    public static Report run(List<Class<? extends CorePoolContract>> suites, int rounds, long seed, double chance) {
        var run = new FailingContract(seed, chance);
        var random = new Random(seed);
        current = run;
        try {
            while (run.tests.get() < rounds) {
                Class<?> suite = suites.get(random.nextInt(suites.size()));
                run.runSome(suite, Math.min(20, rounds - run.tests.get()), random);
            }
        } finally {
            current = null;
        }
        return new Report(run.tests.get(), run.disturbed.get(), run.failures, run.broken);
    }

    /** Runs one test. */
    static Report runOne(Class<? extends CorePoolContract> suite, String test, double chance) {
        var run = new FailingContract(1, chance);
        current = run;
        try {
            run.execute(suite,
                    Arrays.stream(suite.getMethods()).filter(method -> method.getName().equals(test)).toList());
        } finally {
            current = null;
        }
        return new Report(run.tests.get(), run.disturbed.get(), run.failures, run.broken);
    }

    /**
     * Returns whether something failed in the test. Called at the end of its body; from then on, stops do not fail, so
     * that its pools can be stopped.
     */
    static boolean endsDisturbed() {
        FailingContract run = current;
        if (run == null || run.backend == null || run.backend.failures.get() == 0) {
            return false;
        }
        run.backend.stopsRuns();
        return true;
    }

    private void runSome(Class<?> suite, int count, Random random) {
        List<Method> all = new ArrayList<>(Arrays.stream(suite.getMethods())
                .filter(method -> method.isAnnotationPresent(Test.class))
                .sorted(Comparator.comparing(Method::getName))
                .toList());
        Collections.shuffle(all, random);
        execute(suite, all.subList(0, Math.min(count, all.size())));
    }

    private void execute(Class<?> suite, List<Method> methods) {
        var request = LauncherDiscoveryRequestBuilder.request()
                .selectors(methods.stream().map(method -> selectMethod(suite, method)).toList())
                .build();
        LauncherFactory.create().execute(request, new TestExecutionListener() {
            @Override
            public void executionFinished(TestIdentifier one, TestExecutionResult result) {
                if (one.isTest()) {
                    tests.incrementAndGet();
                }
                if (result.getStatus() == TestExecutionResult.Status.FAILED) {
                    broken.add(suite.getSimpleName() + "." + one.getDisplayName() + ": "
                            + result.getThrowable().map(FailingContract::text).orElse(""));
                }
            }
        });
    }

    /**
     * Records the stacks of a test that interrupts do not end, as its time limit, which is near, would not say where it
     * hangs.
     */
    private void tellHanging(ReflectiveInvocationContext<Method> test, Thread body) {
        var text = new StringBuilder(test.getExecutable().getName() + " hangs, with " + backend.failures + " failures");
        Thread.getAllStackTraces().forEach((thread, stack) -> {
            boolean isOurs = Arrays.stream(stack).anyMatch(frame -> frame.getClassName().startsWith("dev.sennit"));
            if (thread == body || isOurs && thread != Thread.currentThread()) {
                text.append("\n  ").append(thread == body ? "its " : "").append(thread.toString());
                for (StackTraceElement frame : stack) {
                    text.append("\n    at ").append(frame);
                }
            }
        });
        broken.add(text.toString());
    }

    private static String text(Throwable failure) {
        var text = new StringBuilder().append(failure);
        for (StackTraceElement frame : failure.getStackTrace()) {
            if (frame.getClassName().startsWith("dev.sennit")) {
                text.append("\n    at ").append(frame);
            }
        }
        for (Throwable suppressed : failure.getSuppressed()) {
            text.append("\n  beside it ").append(text(suppressed));
        }
        return text.toString();
    }

    /** The extension that JUnit calls around the tests. */
    public static final class Faults implements InvocationInterceptor {
        private static final ScheduledThreadPoolExecutor LATER =
                new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().daemon().factory());

        /** For JUnit. */
        public Faults() {}

        @Override
        public void interceptTestMethod(
                Invocation<Void> test, ReflectiveInvocationContext<Method> method, ExtensionContext context)
                throws Throwable {
            FailingContract run = current;
            if (run == null) {
                test.proceed();
                return;
            }
            Thread body = Thread.currentThread();
            var backend = FailingBackend.seeded(run.seeds.nextLong(), run.chance);
            run.backend = backend;
            var goesOn = new Object() {
                private boolean holds = true;

                synchronized void interruptIfDisturbed() {
                    if (holds && backend.failures.get() > 0) {
                        body.interrupt();
                    }
                }

                synchronized void no() {
                    holds = false;
                    Thread.interrupted();
                }
            };
            var looks = LATER.scheduleWithFixedDelay(goesOn::interruptIfDisturbed, 1, 1, TimeUnit.SECONDS);
            var hangs = LATER.schedule(() -> run.tellHanging(method, body), 100, TimeUnit.SECONDS); // before the limit
            try {
                test.proceed();
            } catch (Throwable e) {
                if (backend.failures.get() == 0) {
                    throw e;
                }
            } finally {
                looks.cancel(false);
                hangs.cancel(false);
                goesOn.no();
            }
        }

        @Override
        public void interceptAfterEachMethod(
                Invocation<Void> end, ReflectiveInvocationContext<Method> method, ExtensionContext context)
                throws Throwable {
            FailingContract run = current;
            try {
                end.proceed();
            } finally {
                if (run != null && run.backend != null) {
                    FailingBackend backend = Objects.requireNonNull(run.backend);
                    backend.close();
                    run.backend = null;
                    run.failures += backend.failures.get();
                    run.disturbed.addAndGet(backend.failures.get() > 0 ? 1 : 0);
                }
            }
        }
    }
}
