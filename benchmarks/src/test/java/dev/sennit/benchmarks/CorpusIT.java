package dev.sennit.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Programs in a folder, two of which are broken, through {@code benchmarks/run corpus}. */
class CorpusIT {
    private static final String LOST_UPDATE = """
            package small;
            public class LostUpdate extends Thread {
                static int count;
                @Override public void run() { count++; }
                public static void main(String[] arguments) throws InterruptedException {
                    LostUpdate one = new LostUpdate();
                    Thread other = new Thread("other") { @Override public void run() { count++; } };
                    one.start();
                    other.start();
                    one.join();
                    other.join();
                    System.out.println(count);
                    assert count == 2 : "counted " + count;
                }
            }
            """;

    /** The locks cross in most schedules, and in all plain runs, as each waits until the other has its first. */
    private static final String CROSSED = """
            package small;
            import java.util.concurrent.CountDownLatch;
            class Crossed {
                static void both(Object first, Object second, CountDownLatch have) {
                    synchronized (first) {
                        have.countDown();
                        try {
                            have.await();
                        } catch (InterruptedException e) {
                            return;
                        }
                        synchronized (second) {}
                    }
                }
                static void main() throws InterruptedException {
                    Object a = new Object();
                    Object b = new Object();
                    CountDownLatch have = new CountDownLatch(2);
                    new Thread(() -> both(a, b, have)).start();
                    new Thread(() -> both(b, a, have)).start();
                }
            }
            """;

    private static final String CORRECT = """
            package small;
            import java.util.concurrent.*;
            public class Correct {
                static int count;
                static synchronized void increment() { count++; }
                public static void main(String[] arguments) throws Exception {
                    ExecutorService pool = Executors.newFixedThreadPool(2);
                    Future<?> one = pool.submit(Correct::increment);
                    Future<?> other = pool.submit(Correct::increment);
                    one.get();
                    other.get();
                    assert count == 2 : "counted " + count;
                }
            }
            """;

    private static final String LEAVES = """
            package small;
            class Leaves { static void main() { Runtime.getRuntime().halt(7); } }
            """;

    @TempDir
    private Path folder;

    private final Output output = new Output();

    @BeforeEach
    void write() throws IOException {
        write("LostUpdate", LOST_UPDATE);
        write("Crossed", CROSSED);
        write("Correct", CORRECT);
    }

    private void write(String name, String source) throws IOException {
        Files.writeString(folder.resolve(name + ".java"), source);
    }

    private List<String> row(String program) {
        return output.out().lines()
                .filter(line -> line.startsWith("| `" + program + "`"))
                .map(line -> List.of(line.substring(2, line.length() - 2).split(" *\\| *")))
                .findFirst()
                .orElseThrow(() -> new AssertionError(output.out() + output.errors()));
    }

    @Test
    void tellsBrokenProgramsFromACorrectOne() {
        int exitCode = output.run("corpus", folder.toString(), "--seeds", "2", "--schedules", "100", "--replays", "2",
                "--plain", "20", "--plain-seconds", "1");

        assertThat(exitCode).as(output.errors()).isZero();
        assertThat(row("LostUpdate").subList(1, 4)).satisfiesExactly(
                kind -> assertThat(kind).isEqualTo("THREW"),
                schedules -> assertThat(schedules).matches("\\d+ / \\d+"),
                replays -> assertThat(replays).isEqualTo("4 of 4"));
        assertThat(row("LostUpdate").get(4)).matches("\\d+ of \\d+");
        assertThat(row("Crossed").subList(1, 4)).containsExactly("DEADLOCK", "1 / 1", "4 of 4");
        assertThat(row("Crossed").get(4)).matches("([1-9]\\d*) of \\1");
        assertThat(row("Correct").subList(1, 4)).containsExactly("-", "none in 100", "-");
        assertThat(row("Correct").get(4)).matches("0 of \\d+");
        assertThat(output.out())
                .contains("3 programs: 2 fail in each exploration, 0 in some, 1 pass, 0 have no result");
    }

    @Test
    void tellsWhetherTheseWereAllSchedules() {
        assertThat(output.run("corpus", folder.toString(), "--classes", "small.L*", "--strategy", "EXHAUSTIVE",
                "--replays", "2")).isZero();

        assertThat(row("LostUpdate").get(1)).isEqualTo("THREW");
        assertThat(row("LostUpdate").get(2)).matches("\\d+");
        assertThat(row("LostUpdate").getLast()).isEqualTo("2 of 2");
        assertThat(output.out()).doesNotContain("Crossed", "Correct");
    }

    @Test
    void namesWhatDoesNotCompileAndWhatEndsItsJvm() throws IOException {
        write("Leaves", LEAVES);
        write("Odd", "package small; class Odd extends Missing { static void main() {} }");

        assertThat(output.run("corpus", folder.toString(), "--classes", "*Leaves")).isZero();

        assertThat(row("Leaves").get(1)).isEqualTo("EXIT");
        assertThat(output.errors()).contains("left out, as it does not compile: Odd.java:1: cannot find symbol");
    }
}
