package dev.sennit.faults;

import static java.util.concurrent.TimeUnit.SECONDS;

import dev.sennit.TaskFuture;
import dev.sennit.manager.ManagerServer;
import dev.sennit.pipe.Pipe;
import dev.sennit.process.ProcessPool;
import dev.sennit.process.WorkerOutput;
import dev.sennit.process.WorkerProcess;
import dev.sennit.process.WorkerTransport;
import dev.sennit.shared.SharedLock;
import dev.sennit.shared.SharedMemory;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A program with few file descriptors. While it has none left, each action fails with an error that says so; when it
 * has some again, the actions work. The exit code is 0 if all checks pass.
 */
final class CrowdedTable {
    private static final int BOUND_SECONDS = 40;

    private interface Use {
        void run() throws Exception;
    }

    private final WorkerTransport transport;
    private final List<FileInputStream> taken = new ArrayList<>();

    private CrowdedTable(WorkerTransport transport) {
        this.transport = transport;
    }

    public static void main(String[] arguments) throws Exception {
        new CrowdedTable(WorkerTransport.valueOf(arguments[0])).run();
        System.exit(0);
    }

    private ProcessPool open() {
        return ProcessPool.builder()
                .workers(2)
                .heap("32m")
                .output(WorkerOutput.DISCARD)
                .transport(transport)
                .archive(false)
                .open();
    }

    private void run() throws Exception {
        Map<String, Use> uses = new LinkedHashMap<>();
        uses.put("SharedMemory", () -> SharedMemory.create(64).close());
        uses.put("SharedLock", SharedLock::create);
        uses.put("ManagerServer", () -> {
            try (ManagerServer server = ManagerServer.local()) {
                server.client().newList().add(1);
            }
        });
        uses.put("WorkerProcess", () -> {
            WorkerProcess process = WorkerProcess.builder().heap("32m").start(() -> {});
            process.join();
        });
        uses.put("Pipe", () -> {
            try (Pipe pipe = Pipe.open()) {
                pipe.first().send(1);
                pipe.second().receive();
            }
        });
        uses.put("ProcessPool", () -> {
            try (ProcessPool pool = open()) {
                pool.submit(() -> 1).get();
            }
        });
        loadFolders();
        try (ProcessPool pool = open()) {
            for (Map.Entry<String, Use> use : uses.entrySet()) {
                expect(use.getKey(), null, attempt(use.getValue()));
            }
            long pid = pool.submit(() -> ProcessHandle.current().pid()).get(BOUND_SECONDS, SECONDS);
            ProcessHandle worker = ProcessHandle.of(pid).orElseThrow();

            takeAll();
            for (Map.Entry<String, Use> use : uses.entrySet()) {
                expect(use.getKey() + " without descriptors", "too many open files", attempt(use.getValue()));
                takeAll(); // the descriptors that the attempt has released
            }
            expect("a task without descriptors", null, attempt(() -> pool.submit(() -> 1).get()));
            taken.removeLast().close(); // the JDK reads /proc before it sends a signal
            worker.destroyForcibly();
            worker.onExit().get(BOUND_SECONDS, SECONDS);
            takeAll();
            expect("a task whose worker cannot be replaced", null, attempt(() -> pool.submit(() -> 1).get()));
            giveBack();

            long start = System.nanoTime();
            while (pool.statistics().workers() < 2) {
                if (System.nanoTime() - start > SECONDS.toNanos(BOUND_SECONDS)) {
                    throw new AssertionError("the worker was not replaced: " + pool);
                }
                Thread.sleep(10);
            }
            for (Map.Entry<String, Use> use : uses.entrySet()) {
                expect(use.getKey() + " again", null, attempt(use.getValue()));
            }
            for (int i = 0; i < 10; i++) {
                TaskFuture<Integer> task = pool.submit(() -> 1);
                task.get(BOUND_SECONDS, SECONDS);
            }
        }
    }

    /** Loads classes in advance: loading a class from a folder needs a descriptor, which is not tested here. */
    private static void loadFolders() throws IOException, ClassNotFoundException {
        for (String part : System.getProperty("java.class.path").split(File.pathSeparator)) {
            Path folder = Path.of(part);
            if (!Files.isDirectory(folder)) {
                continue;
            }
            List<Path> classes;
            try (var files = Files.walk(folder)) {
                classes = files.filter(file -> file.toString().endsWith(".class")).map(folder::relativize).toList();
            }
            for (Path each : classes) {
                String name = each.toString().replace(File.separatorChar, '.').replaceFirst("\\.class$", "");
                if (name.matches("dev\\.sennit\\.((faults|process|internal)\\.)?[A-Z].*")) {
                    Class.forName(name, false, CrowdedTable.class.getClassLoader());
                }
            }
        }
    }

    private void takeAll() {
        try {
            while (true) {
                taken.add(new FileInputStream("/dev/null"));
            }
        } catch (IOException e) {
            // that was the last descriptor
        }
    }

    private void giveBack() throws IOException {
        for (FileInputStream each : taken) {
            each.close();
        }
        taken.clear();
    }

    /** Returns the failure of an action, or null; throws if the action hangs. */
    private static @Nullable Throwable attempt(Use use) throws InterruptedException {
        var end = new CompletableFuture<Integer>();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                use.run();
                end.complete(1);
            } catch (Throwable e) {
                end.completeExceptionally(e);
            }
        });
        try {
            end.get(BOUND_SECONDS, SECONDS);
            return null;
        } catch (TimeoutException e) {
            return new AssertionError("hangs", e);
        } catch (ExecutionException e) {
            return e.getCause();
        }
    }

    /**
     * Prints the outcome of an action. Throws unless it is as expected: no failure, or a failure with a given word in
     * its message.
     */
    private static void expect(
            String what, @Nullable String word, @Nullable Throwable failure) {
        var says = new StringBuilder();
        for (Throwable each = failure; each != null; each = each.getCause()) {
            says.append(each).append(" <- ");
        }
        System.out.println(what + ": " + (failure == null ? "works" : says));
        boolean isRight = word == null
                ? failure == null
                : says.toString().toLowerCase(Locale.ROOT).contains(word);
        if (!isRight || failure instanceof AssertionError) {
            throw new AssertionError(what + " ended with " + says, failure);
        }
    }
}
