package dev.sennit.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinTask;
import java.util.concurrent.RecursiveTask;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Work of the common pool, and calls of {@code System.exit}, in a JVM with the agent and one without. */
@Timeout(120)
class DrivenPoolIT {
    /** One line for each body. */
    public static final class Bodies {
        private static final Object MONITOR = new Object();

        private static int counted;

        private static void show(String what, ScheduleExplorer.Body body) {
            show(what, 10, body);
        }

        private static void show(String what, int replays, ScheduleExplorer.Body body) {
            ScheduleExplorer explorer = ScheduleExplorer.of(200);
            try {
                System.out.println(what + ": passed, repeatable " + explorer.explore(body).repeatable());
            } catch (ScheduleFailure found) {
                int same = 0;
                for (int i = 0; i < replays; i++) {
                    try {
                        explorer.replay(found.seed(), body);
                    } catch (ScheduleFailure again) {
                        same += again.kind() == found.kind() && again.interleaving().equals(found.interleaving())
                                ? 1
                                : 0;
                    }
                }
                System.out.println(what + ": " + found.kind() + ", same " + same + ", "
                        + found.getMessage().lines().findFirst().orElseThrow());
            }
        }

        private static void count(int times) {
            for (int i = 0; i < times; i++) {
                counted++;
            }
        }

        private static void check(int wanted) {
            if (counted != wanted) {
                throw new AssertionError("counted wrongly");
            }
        }

        /** Sums up numbers as the JDK's documentation does. */
        private static final class Sum extends RecursiveTask<Integer> {
            private static final long serialVersionUID = 1L;

            private final int from;
            private final int to;

            Sum(int from, int to) {
                this.from = from;
                this.to = to;
            }

            @Override
            protected Integer compute() {
                if (to - from == 1) {
                    return from;
                }
                var left = new Sum(from, (from + to) / 2);
                left.fork();
                return new Sum((from + to) / 2, to).compute() + left.join();
            }
        }

        public static void main(String[] arguments) {
            show("stream that sums up", () -> {
                if (IntStream.range(0, 100).parallel().sum() != 4950) {
                    throw new AssertionError("another sum");
                }
            });
            show("stream with a race", () -> {
                counted = 0;
                IntStream.range(0, 8).parallel().forEach(_ -> count(1));
                check(8);
            });
            show("stream with a lock", () -> {
                counted = 0;
                IntStream.range(0, 8).parallel().forEach(_ -> {
                    synchronized (MONITOR) {
                        count(1);
                    }
                });
                check(8);
            });
            show("stream that throws", () -> IntStream.range(0, 8).parallel().forEach(one -> {
                throw new IllegalStateException("no number is good enough");
            }));
            show("fork and join", () -> {
                if (new Sum(0, 16).invoke() != 120 || ForkJoinPool.commonPool().invoke(new Sum(0, 4)) != 6) {
                    throw new AssertionError("another sum");
                }
            });
            show("sort", () -> {
                int[] numbers = IntStream.range(0, 20_000).map(one -> 20_000 - one).toArray();
                Arrays.parallelSort(numbers);
                if (numbers[0] != 1 || numbers[19_999] != 20_000) {
                    throw new AssertionError("not sorted");
                }
            });
            show("race of two tasks", () -> {
                counted = 0;
                ForkJoinTask<?> one = ForkJoinPool.commonPool().submit(() -> count(1));
                ForkJoinTask<?> other = ForkJoinPool.commonPool().externalSubmit(ForkJoinTask.adapt(() -> count(1)));
                one.join();
                other.join();
                check(2);
            });
            show("waits in vain", 1, () -> {
                ForkJoinPool.commonPool().execute(() -> {});
                new CountDownLatch(1).await();
            });
            show("waits until the pool is quiet", () -> {
                ForkJoinPool.commonPool().execute(() -> {});
                ForkJoinPool.commonPool().awaitQuiescence(1, TimeUnit.SECONDS);
            });
            show("random numbers", () -> {
                int first = ThreadLocalRandom.current().nextInt(100);
                Thread other = Thread.startVirtualThread(() -> counted = ThreadLocalRandom.current().nextInt(100));
                other.join();
                if (first != counted) {
                    throw new AssertionError(first + " and " + counted);
                }
            });
            show("exit", () -> {
                Thread ends = Thread.startVirtualThread(() -> System.exit(3));
                ends.join();
            });
            show("halt", () -> {
                try {
                    Runtime.getRuntime().halt(4);
                } finally {
                    counted = 0;
                }
            });
            System.out.println("the end");
        }
    }

    @Test
    void theAgentDrivesThePool(@TempDir Path folder) throws Exception {
        String name = Bodies.class.getName();

        assertThat(AgentRun.of(folder).program(Bodies.class, name).lines()).satisfiesExactly(
                line -> assertThat(line).isEqualTo("stream that sums up: passed, repeatable true"),
                line -> assertThat(line).startsWith("stream with a race: THREW, same 10, ").endsWith("counted wrongly"),
                line -> assertThat(line).isEqualTo("stream with a lock: passed, repeatable true"),
                line -> assertThat(line).startsWith("stream that throws: THREW, same 10, ").contains("good enough"),
                line -> assertThat(line).isEqualTo("fork and join: passed, repeatable true"),
                line -> assertThat(line).isEqualTo("sort: passed, repeatable true"),
                line -> assertThat(line).startsWith("race of two tasks: THREW, same 10, ").endsWith("counted wrongly"),
                line -> assertThat(line).startsWith("waits in vain: DEADLOCK, same 1, "),
                line -> assertThat(line).startsWith("waits until the pool is quiet: OUTSIDE, ")
                        .contains("body handed work to the common pool"),
                line -> assertThat(line).startsWith("random numbers: THREW, same 10, "),
                line -> assertThat(line).isEqualTo("exit: EXIT, same 10, "
                        + "thread-1 called System.exit(3), which would have ended this JVM"),
                line -> assertThat(line).startsWith("halt: EXIT, same 10, body called "),
                line -> assertThat(line).isEqualTo("the end"));
    }

    /** Ends its JVM. */
    public static final class Exits {
        public static void main(String[] arguments) {
            ScheduleExplorer.of(10).explore(() -> {
                Thread ends = Thread.startVirtualThread(() -> System.exit(0));
                ends.join();
            });
        }
    }

    @Test
    void withoutItTheJvmDoesNotEndWithoutAWord() throws Exception {
        assertThat(AgentRun.without().program(Exits.class))
                .startsWith("sennit: a thread under exploration called System.exit, which ends this JVM; to have it"
                        + " again: -Dsennit.seed=1; with -javaagent:sennit.jar it is a failure of the test\n"
                        + "thread-1 is at:\n")
                .contains("DrivenPoolIT$Exits");
    }
}
