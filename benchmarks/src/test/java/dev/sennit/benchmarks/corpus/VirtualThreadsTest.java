package dev.sennit.benchmarks.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The rewriting of sources with platform threads. */
class VirtualThreadsTest {
    private static final String THREADS = ScheduledThreads.class.getName();
    private static final String STAND_IN = StandIn.class.getName();

    @TempDir
    private Path folder;

    private String rewritten(String source) throws IOException {
        Path from = Files.createDirectory(folder.resolve("from"));
        Files.writeString(from.resolve("A.java"), source);
        Sources sources = Sources.in(from, System.getProperty("java.class.path"));
        Path to = folder.resolve("to");
        assertThat(sources.withVirtualThreads(to).compile(Files.createDirectory(folder.resolve("classes")))).isEmpty();
        try (var files = Files.walk(to)) {
            List<Path> all = files.filter(Files::isRegularFile).toList();
            assertThat(all).hasSize(1);
            return Files.readString(all.getFirst());
        }
    }

    @Test
    void threadsBecomeVirtual() throws IOException {
        String source = """
                import java.util.concurrent.*;
                class A extends Thread {
                    Thread named = new java.lang.Thread(() -> new Thread(A::new), "named"); // not new Thread()
                    String text = "new Thread(";
                    Thread of(String name) { return new Thread(name) { public void run() { new Thread(); } }; }
                    ThreadFactory factory = Thread::new;
                    ExecutorService pool = Executors.newFixedThreadPool(2, factory);
                    Thread[] threads = new Thread[2];
                }
                """;
        assertThat(rewritten(source)).isEqualTo("""
                import java.util.concurrent.*;
                class A extends STAND_IN {
                    Thread named = THREADS.thread(() -> THREADS.thread(A::new), "named"); // not new Thread()
                    String text = "new Thread(";
                    Thread of(String name) { return new STAND_IN(name) { public void run() { THREADS.thread(); } }\
                .thread(); }
                    ThreadFactory factory = THREADS::thread;
                    ExecutorService pool = THREADS.newFixedThreadPool(2, factory);
                    Thread[] threads = new Thread[2];
                }
                """.replace("STAND_IN", STAND_IN).replace("THREADS", THREADS));
    }

    @Test
    void otherClassesStayAsTheyAre() throws IOException {
        String source = """
                class A {
                    static class Threads {}
                    Object one = new Threads();
                    Object other = new ThreadGroup("new Thread()");
                }
                """;
        assertThat(rewritten(source)).isEqualTo(source);
    }
}
