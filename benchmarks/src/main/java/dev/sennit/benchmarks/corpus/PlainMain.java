package dev.sennit.benchmarks.corpus;

import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** In a JVM of its own, with real threads and without the agent: runs one program again and again. */
final class PlainMain {
    /** A run whose threads all wait without a limit of time counts as hung after this, and any other after the next. */
    private static final Duration WAITING = Duration.ofSeconds(2);

    private static final Duration LONGEST = Duration.ofSeconds(10);
    /** Threads that hang are left behind, and more of them would change what is measured. */
    private static final int MOST_HUNG = 20;

    private static final Set<Thread.State> WAITS = EnumSet.of(Thread.State.BLOCKED, Thread.State.WAITING);

    private final Program program;

    private enum Ending {
        PASSED, FAILED, HUNG
    }

    private PlainMain(Program program) {
        this.program = program;
    }

    /**
     * Answers in a line: {@code PLAIN}, how many runs failed, how many hung, and how many there were.
     *
     * @param arguments the class with the main method, prefixes, runs, and the seconds after which there are no more
     */
    public static void main(String[] arguments) throws InterruptedException {
        var program = new Program(arguments[0], arguments[1]);
        long most = Long.parseLong(arguments[2]);
        long end = System.nanoTime() + Duration.ofSeconds(Long.parseLong(arguments[3])).toNanos();
        var plain = new PlainMain(program);
        long runs = 0;
        long failed = 0;
        long hung = 0;
        do {
            Ending ending = plain.runOnce();
            runs++;
            failed += ending == Ending.FAILED ? 1 : 0;
            hung += ending == Ending.HUNG ? 1 : 0;
        } while (runs < most && hung < MOST_HUNG && System.nanoTime() < end);
        program.answer("PLAIN " + failed + ' ' + hung + ' ' + runs);
        program.end();
    }

    private Ending runOnce() throws InterruptedException {
        var threads = new Threads();
        Thread main = new Thread(threads, () -> runIn(threads), "main");
        main.start();
        long start = System.nanoTime();
        main.join(WAITING);
        for (long pause = 0; threads.goOn(); pause = Math.min(pause + 1, 10)) {
            long waited = System.nanoTime() - start;
            if (waited >= LONGEST.toNanos() || waited >= WAITING.toNanos() && threads.allWait()) {
                threads.interrupt();
                return Ending.HUNG;
            }
            Thread.sleep(pause);
        }
        return threads.failed ? Ending.FAILED : Ending.PASSED;
    }

    private void runIn(Threads threads) {
        try {
            program.run();
        } catch (Throwable e) {
            threads.failed = true;
        }
    }

    /** Those of one run. */
    private static final class Threads extends ThreadGroup {
        private volatile boolean failed;

        Threads() {
            super("run");
        }

        @Override
        public void uncaughtException(Thread thread, Throwable e) {
            failed = true;
        }

        private List<Thread> alive() {
            var alive = new Thread[activeCount() + 8];
            return Arrays.asList(alive).subList(0, enumerate(alive));
        }

        /** Whether a thread has not ended that has to. */
        boolean goOn() {
            return alive().stream().anyMatch(thread -> !thread.isDaemon() && !isIdleWorker(thread));
        }

        boolean allWait() {
            return alive().stream().allMatch(thread -> thread.isDaemon() || WAITS.contains(thread.getState()));
        }

        /** Executors that nobody has shut down keep theirs. */
        private static boolean isIdleWorker(Thread thread) {
            return WAITS.contains(thread.getState())
                    && Arrays.stream(thread.getStackTrace()).anyMatch(frame -> frame.getMethodName().equals("getTask")
                            && frame.getClassName().equals("java.util.concurrent.ThreadPoolExecutor"));
        }
    }
}
